/* SPDX-License-Identifier: GPL-3.0-or-later */
/* EIS ⇔ SCS, either end, fed any bytes in any cuts while time passes and its owner acts from inside
 * callbacks. What it sends must be valid messages. The first byte chooses the end and seeds all choices. */
#include "chance.h"
#include "simulcrypt/eis_scs_table.h"
#include "simulcrypt/eis_session.h"
#include "simulcrypt/scg_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct simulcrypt_scg_session *scs;
static struct simulcrypt_scgs *scgs;
static struct simulcrypt_eis_session *eis;
static unsigned channels, closed, failures;
static uint64_t now_ms;

static void scs_send(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    require_valid(&simulcrypt_eis_scs, SIMULCRYPT_EIS_UNSUPPORTED_VERSION, SIMULCRYPT_FROM_SERVER, bytes,
                  size);
    require(!closed);
}

static void scs_close(void *context, const char *why)
{
    (void)context;
    require(why && !closed && !channels);
    closed++;
}

static uint16_t channel_setup(void *context, uint16_t channel_id, struct simulcrypt_scgs **given)
{
    (void)context;
    (void)channel_id;
    *given = scgs;
    if (draw(8) == 0)
        return SIMULCRYPT_EIS_CHANNEL_IN_USE;
    channels++;
    return SIMULCRYPT_EIS_OK;
}

static void channel_closed(void *context, uint16_t channel_id)
{
    (void)context;
    (void)channel_id;
    require(channels == 1);
    channels--;
}

static uint16_t check(void *context, const struct simulcrypt_scg *scg)
{
    (void)context;
    require(scg->ecm_group_count && (scg->service_count || scg->component_count));
    return draw(4) ? SIMULCRYPT_EIS_OK : (uint16_t)(draw(0x14) + 1);
}

static uint8_t sum; /* so that all bytes are read */

static void accepted(void *context, const struct simulcrypt_scg *scg)
{
    (void)context;
    for (unsigned i = 0; i < scg->ecm_group_count; i++)
        for (unsigned n = 0; n < scg->ecm_groups[i].access_criteria_size; n++)
            sum = (uint8_t)(sum + scg->ecm_groups[i].access_criteria[n]);
}

static uint16_t nominal(void *context, uint16_t scg_id)
{
    (void)context;
    return scg_id;
}

static void scs_input(const uint8_t *bytes, size_t size)
{
    simulcrypt_scg_session_input(scs, bytes, size);
    for (size_t i = simulcrypt_scgs_count(scgs); i > 0; i--)
        if (draw(2))
            simulcrypt_scgs_activated(scgs, simulcrypt_scgs_id_at(scgs, i - 1));
    for (size_t i = 0; i < simulcrypt_scgs_count(scgs); i++) {
        const struct simulcrypt_scg *scg = simulcrypt_scgs_current(scgs, simulcrypt_scgs_id_at(scgs, i));
        if (scg)
            accepted(NULL, scg);
    }
}

static void fuzz_scs(const uint8_t *data, size_t size)
{
    static const struct simulcrypt_scg_session_ops ops = {scs_send, scs_close, channel_setup, channel_closed};
    static const struct simulcrypt_scgs_ops scgs_ops = {check, accepted, nominal};
    struct simulcrypt_scs_abilities abilities = {
        .services = draw(8), .components = draw(4), .max_scg = (uint16_t)draw(8)};
    require(!simulcrypt_scgs_create(&scgs, &abilities, &scgs_ops, NULL));
    require(!simulcrypt_scg_session_create(&scs, &ops, NULL));
    feed(data, size, scs_input);
    closed = 0;
    simulcrypt_scg_session_destroy(scs);
    require(!channels);
    simulcrypt_scgs_destroy(scgs);
}

static void connect_eis(void)
{
    failures = 0;
    simulcrypt_eis_session_connected(eis, now_ms);
}

static void do_something(uint16_t scg_id)
{
    struct simulcrypt_scg scg = {.scg_id = scg_id, .service_count = (uint16_t)draw(4)};
    scg.ecm_group_count = (uint16_t)draw(3);
    switch (draw(16)) {
    case 0:
        simulcrypt_eis_session_close(eis);
        break;
    case 1:
        simulcrypt_eis_session_disconnected(eis);
        connect_eis();
        break;
    case 2:
        simulcrypt_eis_session_list(eis, now_ms);
        break;
    case 3:
        simulcrypt_eis_session_reset(eis);
        break;
    case 4:
        simulcrypt_eis_session_test(eis, (uint16_t)draw(8), now_ms);
        break;
    default:
        simulcrypt_eis_session_provision(eis, &scg, now_ms);
        break;
    }
}

static void eis_send(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    require_valid(&simulcrypt_eis_scs, SIMULCRYPT_EIS_UNSUPPORTED_VERSION, SIMULCRYPT_FROM_CLIENT, bytes,
                  size);
    require(!failures);
}

static void eis_fail(void *context, const char *why)
{
    (void)context;
    require(why[0] && !failures);
    failures++;
}

static void channel_up(void *context, const struct simulcrypt_scs_abilities *abilities)
{
    (void)context;
    do_something(abilities->max_scg);
}

static void scg_status(void *context, const struct simulcrypt_scg_status *status)
{
    (void)context;
    do_something(status->scg_id);
}

static void scg_error(void *context, uint16_t scg_id, uint16_t error, const char *text)
{
    (void)context;
    (void)error;
    require(text[0]);
    do_something(scg_id);
}

static void unanswered(void *context, uint16_t scg_id)
{
    (void)context;
    do_something(scg_id);
}

static void scg_list(void *context, const uint16_t *scg_ids, size_t count)
{
    (void)context;
    do_something(count ? scg_ids[count - 1] : 0);
}

static void channel_error(void *context, uint16_t error, const char *text)
{
    (void)context;
    require(text[0]);
    do_something(error);
}

static void eis_input(const uint8_t *bytes, size_t size)
{
    simulcrypt_eis_session_input(eis, bytes, size, now_ms);
    now_ms += draw(4) ? draw(20) : draw(4000);
    require(simulcrypt_eis_session_tick(eis, now_ms) > now_ms);
}

static void fuzz_eis(const uint8_t *data, size_t size)
{
    static const struct simulcrypt_eis_ops ops = {eis_send,  eis_fail,   channel_up, scg_status,
                                                  scg_error, unanswered, scg_list,   channel_error};
    struct simulcrypt_eis_config config = {
        .version = 4, .channel_id = 1, .reply_timeout_ms = 1000, .test_period_ms = 500};
    require(!simulcrypt_eis_session_create(&eis, &config, &ops, NULL));
    connect_eis();
    feed(data, size, eis_input);
    simulcrypt_eis_session_destroy(eis);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    chance_state = data[0];
    channels = closed = failures = 0;
    now_ms = 1;
    if (data[0] & 1)
        fuzz_eis(data + 1, size - 1);
    else
        fuzz_scs(data + 1, size - 1);
    return 0;
}
