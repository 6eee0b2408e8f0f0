/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>

#include "scrambler/engine.h"
#include "tests/common/memory.h"

static int use_engine(void *context)
{
    struct scrambler_engine_config config = {0};
    struct scrambler_engine *engine = NULL;
    int status = scrambler_engine_create(&engine, &config);

    (void)context;
    scrambler_engine_destroy(engine);
    return status;
}

Test(memory, engine_that_cannot_be_had)
{
    memory_refuse_each(use_engine, NULL, 1);
}
