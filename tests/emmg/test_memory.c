/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that the EMMG is refused: nothing is lost, and it goes on where it can. */
#include <criterion/criterion.h>
#include <errno.h>

#include "base/log.h"
#include "emmg/client.h"
#include "folder.h"
#include "tests/common/memory.h"

static void open_all(void)
{
    base_log_set_level(BASE_LOG_ERROR);
    folder_make();
}

TestSuite(memory, .init = open_all, .fini = folder_remove, .timeout = 60);

static int use_carousel(void *context)
{
    struct emmg_carousel *carousel = NULL;
    char why[256];
    int status = emmg_carousel_open(&carousel, folder, why);

    (void)context;
    emmg_carousel_close(carousel);
    return status;
}

Test(memory, a_carousel_needs_all_of_its_parts)
{
    folder_add("a.bin", 0, 20, 100);
    folder_add("b.bin", 0, 20, 100);
    memory_refuse_each(use_carousel, NULL, 8);
}

Test(memory, a_refresh_without_memory_leaves_what_was)
{
    struct emmg_carousel *carousel;
    char why[256];
    int status = -ENOMEM;

    folder_add("a.bin", 0, 20, 100);
    cr_assert_eq(emmg_carousel_open(&carousel, folder, why), 0);
    folder_add("b.bin", 0, 20, 100);
    memory_watch();
    for (unsigned n = 0; status == -ENOMEM; n++) {
        memory_refuse(n);
        status = emmg_carousel_refresh(carousel, why);
        cr_assert_eq(emmg_carousel_count(carousel), status == 1 ? 40 : 20);
    }
    memory_stop();
    cr_assert_eq(status, 1);
    emmg_carousel_close(carousel);
}

static int use_client(void *context)
{
    struct emmg_client_config *config = context;
    struct emmg_client *client = NULL;
    struct net_loop *loop = NULL;
    int status = net_loop_create(&loop);

    if (status == 0)
        status = emmg_client_create(&client, loop, config);
    emmg_client_destroy(client);
    net_loop_destroy(loop);
    return status;
}

Test(memory, a_client_needs_its_parts_and_tries_again_without_a_connection)
{
    char why[256];
    struct emmg_client_config config = {
        .host = "127.0.0.1",
        .port = 1,
        .udp_host = "127.0.0.1",
        .udp_port = 1,
        .session = {.version = 3, .client_id = 1, .channel_id = 1},
        .stream = {.stream_id = 1, .data_id = 1},
        .bandwidth = 100,
    };

    folder_add("a.bin", 0, 20, 100);
    cr_assert_eq(emmg_carousel_open(&config.carousel, folder, why), 0);
    memory_survive_each(use_client, &config, 8);
    emmg_carousel_close(config.carousel);
}
