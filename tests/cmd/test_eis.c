/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scramline-eis as its users run it, against an SCS over loopback TCP that behaves, or does not. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/tcp.h"
#include "simulcrypt/scg_session.h"
#include "tests/net/certificates.h"
#include "tests/simulcrypt/capture.h"

enum manner { WORKS, REFUSES_VERSION_4, SILENT, HANGS_UP, GARBAGE, RESETS_IN_MESSAGE };

static struct {
    struct net_listener *listener;
    struct net_tcp *tcp;
    struct simulcrypt_scg_session *session;
    struct simulcrypt_scgs *scgs;
    struct simulcrypt_scg accepted; /* criteria may be gone by now */
    uint16_t check_error;
    enum manner manner;
    uint8_t version; /* of the last message */
    unsigned connections, definitions, removals;
    struct capture_writer *recording; /* NULL: none */
} scs;

static struct net_loop *loop;
static char folder[] = "/tmp/scramline-eis-XXXXXX";
static char config_path[64], place[32];
static char out[1 << 18], err[8192];
static pid_t child;
static int child_out, child_err;

/* The SCS */

static void send_bytes(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    if (scs.recording)
        capture_add(scs.recording, false, bytes, size);
    if (scs.tcp && scs.manner != SILENT)
        net_tcp_write(scs.tcp, bytes, size);
}

static void hang_up(void)
{
    net_tcp_close(scs.tcp);
    scs.tcp = NULL;
}

static void session_close(void *context, const char *why)
{
    (void)context;
    (void)why;
}

static uint16_t channel_setup(void *context, uint16_t channel_id, struct simulcrypt_scgs **scgs)
{
    (void)context;
    cr_assert_eq(channel_id, 7);
    *scgs = scs.scgs;
    return SIMULCRYPT_EIS_OK;
}

static void channel_closed(void *context, uint16_t channel_id)
{
    (void)context;
    (void)channel_id;
}

static const struct simulcrypt_scg_session_ops session_ops = {send_bytes, session_close, channel_setup,
                                                              channel_closed};

static uint16_t check(void *context, const struct simulcrypt_scg *scg)
{
    (void)context;
    return scg->scg_id == 2 ? scs.check_error : SIMULCRYPT_EIS_OK;
}

static void accept_definition(void *context, const struct simulcrypt_scg *scg)
{
    (void)context;
    scs.definitions++;
    scs.removals += simulcrypt_scg_is_removal(scg);
    scs.accepted = *scg;
}

static uint16_t nominal_cp_duration(void *context, uint16_t scg_id)
{
    (void)context;
    return scg_id == 1 ? 105 : 0;
}

static const struct simulcrypt_scgs_ops scgs_ops = {check, accept_definition, nominal_cp_duration};

/* channel_error, error_status 0x0002 */
static void refuse_version(void)
{
    static const uint8_t refusal[] = {4, 0x04, 0x05, 0, 12, 0, 1, 0, 2, 0, 7, 0x70, 0, 0, 2, 0, 2};

    net_tcp_write(scs.tcp, refusal, sizeof(refusal));
}

static void misbehave(void)
{
    static const uint8_t garbage[] = {4, 0xFF, 0xFF, 0, 4, 1, 2, 3, 4, 4, 0x04, 0x0A, 0, 1, 9, 0, 0, 0, 1, 2};

    if (scs.manner == REFUSES_VERSION_4)
        refuse_version();
    if (scs.manner == GARBAGE)
        for (unsigned i = 0; i < 10; i++)
            net_tcp_write(scs.tcp, garbage, sizeof(garbage));
    if (scs.manner == RESETS_IN_MESSAGE)
        net_tcp_write(scs.tcp, garbage, 3);
    if (scs.manner == HANGS_UP || scs.manner == RESETS_IN_MESSAGE)
        hang_up();
}

static void tcp_input(void *context, const uint8_t *bytes, size_t size)
{
    bool well =
        scs.manner == WORKS || scs.manner == SILENT || (scs.manner == REFUSES_VERSION_4 && bytes[0] < 4);

    (void)context;
    scs.version = bytes[0];
    if (scs.recording)
        capture_add(scs.recording, true, bytes, size);
    if (well)
        simulcrypt_scg_session_input(scs.session, bytes, size);
    else
        misbehave();
}

static void tcp_ended(void *context, int error)
{
    (void)context;
    (void)error;
    hang_up();
}

static void accepted(void *context, struct net_tcp *tcp)
{
    static const struct net_tcp_ops ops = {.input = tcp_input, .ended = tcp_ended};

    (void)context;
    hang_up();
    simulcrypt_scg_session_destroy(scs.session);
    cr_assert_eq(simulcrypt_scg_session_create(&scs.session, &session_ops, NULL), 0);
    scs.tcp = tcp;
    scs.connections++;
    net_tcp_set_ops(tcp, &ops, NULL);
}

/* The program */

static const char *const config_text =
    "channel_id: 7\n"
    "transport_stream_id: 1\n"
    "original_network_id: 2\n"
    "status_period: 0.2\n"
    "scgs:\n"
    "  - id: 1\n"
    "    reference_id: 11\n"
    "    services: [10, 20]\n"
    "    ecm_groups:\n"
    "      - {super_cas_id: 0x4ADC0001, ecm_id: 5, access_criteria: \"0102\", AC_changed: true}\n"
    "  - id: 2\n"
    "    reference_id: 12\n"
    "    components: [0x101]\n"
    "    activation_time: 2026-11-20T20:00:00.25Z\n"
    "    recommended_CP_duration: 80\n"
    "    ecm_groups: [{super_cas_id: 0x4ADC0001, ecm_id: 6}]\n";

static void write_config(const char *text)
{
    FILE *file = fopen(config_path, "we");

    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static void listen_with(struct net_tls *tls)
{
    const struct net_listen_config config = {.host = "127.0.0.1", .accepted = accepted, .tls = tls};

    net_listener_close(scs.listener);
    cr_assert_eq(net_listen(&scs.listener, loop, &config), 0);
    snprintf(place, sizeof(place), "127.0.0.1:%u", net_listener_port(scs.listener));
}

static void begin(void)
{
    const struct simulcrypt_scs_abilities abilities = {.services = true, .components = true, .max_scg = 2000};

    cr_assert_not_null(getenv("SCRAMLINE_PROGRAMS"), "set by the test runner");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(config_path, sizeof(config_path), "%s/eis.yaml", folder);
    write_config(config_text);
    cr_assert_eq(net_loop_create(&loop), 0);
    cr_assert_eq(simulcrypt_scgs_create(&scs.scgs, &abilities, &scgs_ops, NULL), 0);
    listen_with(NULL);
}

static void end(void)
{
    hang_up();
    simulcrypt_scg_session_destroy(scs.session);
    simulcrypt_scgs_destroy(scs.scgs);
    net_listener_close(scs.listener);
    net_loop_destroy(loop);
    unlink(config_path);
    rmdir(folder);
}

TestSuite(eis_command, .init = begin, .fini = end, .timeout = 60);

static void start(const char *const *arguments)
{
    int out_pipe[2], err_pipe[2];
    char program[512];

    snprintf(program, sizeof(program), "%s/scramline", getenv("SCRAMLINE_PROGRAMS"));
    cr_assert(pipe(out_pipe) == 0 && pipe(err_pipe) == 0);
    cr_assert_geq(fcntl(out_pipe[1], F_SETPIPE_SZ, (int)sizeof(out)),
                  0); /* read when the program has ended */
    child = fork();
    if (child == 0) {
        dup2(out_pipe[1], STDOUT_FILENO);
        dup2(err_pipe[1], STDERR_FILENO);
        close(out_pipe[0]);
        close(err_pipe[0]);
        execv(program, (char *const *)arguments);
        _exit(127);
    }
    close(out_pipe[1]);
    close(err_pipe[1]);
    child_out = out_pipe[0];
    child_err = err_pipe[0];
}

#define START(...)                                                                                           \
    start((const char *const[]){"scramline", "eis", "-c", config_path, "--connect", place,                   \
                                __VA_ARGS__ __VA_OPT__(, ) NULL})

static void read_all(int fd, char *text, size_t room)
{
    size_t size = 0;
    ssize_t got;

    while (size + 1 < room && (got = read(fd, text + size, room - 1 - size)) > 0)
        size += (size_t)got;
    text[size] = '\0';
    close(fd);
}

/* Turns the loop until the program has ended. */
static int finish(void)
{
    uint64_t end_ms = base_clock_monotonic_ms() + 30000;
    int status = 0;
    pid_t ended = 0;

    while (!ended && base_clock_monotonic_ms() < end_ms) {
        net_loop_run_once(loop, 10);
        ended = waitpid(child, &status, WNOHANG);
    }
    if (!ended)
        kill(child, SIGKILL);
    cr_assert_eq(ended, child, "it does not end");
    read_all(child_out, out, sizeof(out));
    read_all(child_err, err, sizeof(err));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define RUN(...) (START(__VA_ARGS__), finish())

static void expect(const char *text, const char *part)
{
    cr_assert_not_null(strstr(text, part), "'%s' is not in '%s'", part, text);
}

static bool turn(bool (*done)(void))
{
    uint64_t end_ms = base_clock_monotonic_ms() + 20000;

    while (!done() && base_clock_monotonic_ms() < end_ms)
        net_loop_run_once(loop, 10);
    return done();
}

Test(eis_command, provides_what_the_file_says_and_shows_the_answers)
{
    cr_assert_eq(RUN(), 0, "%s%s", out, err);
    cr_assert_str_empty(err);
    expect(out, "is open, version 4: SCGs of services and components, at most 2000\n");
    expect(out, "SCG    CURRENT     PENDING     CP         STATE\n");
    expect(out, "1      -           11          10.5 s     pending\n");
    expect(out, "2      -           12          -          pending\n");
    cr_assert_eq(scs.definitions, 2);
    cr_assert_eq(scs.version, 4);
    const struct simulcrypt_scg *scg = simulcrypt_scgs_pending(scs.scgs, 1);
    cr_assert_eq(scg->service_count, 2);
    cr_assert_eq(scg->services[1], 20);
    cr_assert_eq(scg->transport_stream_id, 1);
    cr_assert_eq(scg->original_network_id, 2);
    cr_assert(!scg->has_activation_time);
    cr_assert_eq(scg->ecm_groups[0].super_cas_id, 0x4ADC0001);
    cr_assert_eq(scg->ecm_groups[0].ecm_id, 5);
    cr_assert(scg->ecm_groups[0].ac_changed);
    cr_assert_arr_eq(scg->ecm_groups[0].access_criteria, "\1\2", 2);
    scg = simulcrypt_scgs_pending(scs.scgs, 2);
    cr_assert_eq(scg->components[0], 0x101);
    cr_assert_eq(scg->recommended_cp_duration, 80);
    cr_assert_eq(simulcrypt_time_to_unix_ms(&scg->activation_time), 1795204800250);
    cr_assert(!scg->ecm_groups[0].has_access_criteria);
}

Test(eis_command, a_refusal_is_shown_and_fails)
{
    scs.check_error = SIMULCRYPT_EIS_NO_RESOURCE;
    cr_assert_eq(RUN(), 1);
    expect(out, "1      -           11          10.5 s     pending\n");
    expect(out, "2      -           -           -          refused: ");
    expect(out, "a resource of the SCG does not exist");
    expect(out, "1 of 2 refused or not answered\n");
}

Test(eis_command, a_warning_is_shown_and_no_failure)
{
    scs.check_error = SIMULCRYPT_EIS_ACTIVATION_TOO_SOON;
    cr_assert_eq(RUN(), 0);
    expect(out, "warning: activation_time may be too soon");
    expect(out, "2      -           12          -          pending\n");
}

Test(eis_command, json_lines_for_machines)
{
    scs.check_error = SIMULCRYPT_EIS_RESOURCE_TAKEN;
    cr_assert_eq(RUN("--json"), 1);
    expect(out, "{\"event\":\"channel\",");
    expect(out, "\"version\":4,\"services\":true,\"components\":true,\"max_SCG\":2000}\n");
    expect(out, "{\"event\":\"scg\",\"SCG_id\":1,\"result\":\"status\",\"current_reference_id\":0,"
                "\"pending\":true,\"pending_reference_id\":11,\"nominal_CP_duration\":105}\n");
    expect(out, "{\"event\":\"scg\",\"SCG_id\":2,\"result\":\"refused\",\"error_status\":16,\"error\":");
    expect(out, "{\"event\":\"summary\",\"answers\":2,\"refused\":1}\n");
}

Test(eis_command, lists_tests_removes_and_resets)
{
    cr_assert_eq(RUN(), 0);
    simulcrypt_scgs_activated(scs.scgs, 1);
    simulcrypt_scgs_activated(scs.scgs, 2);
    cr_assert_eq(RUN("--list"), 0);
    expect(out, "the SCS has 2 SCGs on this channel\n");
    expect(out, "1      11          -           10.5 s     on air\n");
    cr_assert_eq(scs.definitions, 2, "nothing was provided");
    cr_assert_eq(RUN("--test", "2"), 0);
    cr_assert_null(strstr(out, "\n1  "));
    expect(out, "2      12          -           -          on air\n");
    cr_assert_eq(RUN("--test", "9"), 1);
    expect(out, "9      -           -           -          refused: unknown SCG_id");
    cr_assert_eq(RUN("--remove", "1"), 0);
    expect(out, "1      11          11          10.5 s     on air, a change is pending\n");
    cr_assert_eq(scs.removals, 1);
    cr_assert_eq(scs.accepted.reference_id, 11);
    cr_assert_eq(scs.accepted.original_network_id, 2);
    simulcrypt_scgs_activated(scs.scgs, 1);
    cr_assert_eq(RUN("--reset"), 0);
    expect(out, "the SCS has 1 SCG on this channel\n");
    cr_assert_eq(scs.removals, 2);
}

Test(eis_command, a_lower_version_is_tried)
{
    scs.manner = REFUSES_VERSION_4;
    cr_assert_eq(RUN(), 0, "%s%s", out, err);
    cr_assert_eq(scs.version, 3);
    cr_assert_eq(scs.connections, 2);
    expect(out, "is open, version 3: ");
    expect(err, "trying a lower version\n");
}

Test(eis_command, says_what_it_cannot_do)
{
    net_listener_close(scs.listener);
    scs.listener = NULL;
    cr_assert_eq(RUN(), 1);
    char expected[128];
    snprintf(expected, sizeof(expected),
             "scramline eis: error: cannot connect to the SCS %s: connection refused\n", place);
    cr_assert_str_eq(err, expected);
}

static void expect_one_line(const char *part)
{
    const char *end = strchr(err, '\n');

    cr_assert(end && !end[1], "not one line: '%s'", err);
    expect(err, part);
}

Test(eis_command, an_scs_that_misbehaves_is_told_in_one_line)
{
    static const struct {
        enum manner manner;
        const char *why;
    } cases[] = {
        {SILENT, "no channel_status within 500 ms"},
        {HANGS_UP, "ended: the other side closed the connection"},
        {RESETS_IN_MESSAGE, "ended: the other side closed the connection"},
        {GARBAGE, "unreadable SCG_status"},
    };

    write_config("channel_id: 7\nreply_timeout: 0.5\ntransport_stream_id: 1\noriginal_network_id: 1\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        scs.manner = cases[i].manner;
        cr_assert_eq(RUN("--list"), 1);
        expect_one_line(cases[i].why);
        cr_assert_eq(scs.definitions, 0);
    }
}

static bool is_second_provided(void)
{
    return scs.definitions == 4;
}

static bool is_provided(void)
{
    return scs.definitions == 2;
}

static bool is_active(void)
{
    static unsigned turns;

    return turns++ > 100; /* a second or more */
}

Test(eis_command, stays_and_shows_what_changes_and_provides_again)
{
    START("--stay");
    cr_assert(turn(is_provided));
    cr_assert(simulcrypt_scgs_pending(scs.scgs, 1)->ecm_groups[0].ac_changed);
    simulcrypt_scgs_activated(scs.scgs, 1);
    turn(is_active);
    hang_up();
    cr_assert(turn(is_second_provided));
    cr_assert(!simulcrypt_scgs_pending(scs.scgs, 1)->ecm_groups[0].ac_changed, "it is no change again");
    kill(child, SIGINT);
    cr_assert_eq(finish(), 0);
    expect(out, "1      -           11          10.5 s     pending\n");
    expect(out, "1      11          -           10.5 s     on air\n");
    expect(out, "1      11          11          10.5 s     on air, a change is pending\n");
    expect(err, "trying again\n");
}

static bool has_tried(void)
{
    return scs.connections >= 2;
}

Test(eis_command, retries_for_as_long_as_it_is_told)
{
    scs.manner = HANGS_UP;
    START("--retry", "20");
    cr_assert(turn(has_tried));
    scs.manner = WORKS;
    cr_assert_eq(finish(), 0, "%s", err);
    cr_assert_eq(scs.definitions, 2);
}

Test(eis_command, wrong_configurations_cost_one_line)
{
    write_config("transport_stream_id: 1\noriginal_network_id: 1\nscgs:\n  - id: 70000\n");
    cr_assert_eq(RUN(), 1);
    expect_one_line("eis.yaml:4: id: '70000' is not a whole number from 0 to 65535");
    write_config("transport_stream_id: 1\noriginal_network_id: 1\n");
    cr_assert_eq(RUN(), 2);
    expect_one_line("has no scgs to provide");
    unlink(config_path);
    cr_assert_eq(RUN(), 1);
    expect_one_line("eis.yaml: ");
}

Test(eis_command, a_thousand_scgs_are_provided)
{
    FILE *file = fopen(config_path, "we");

    cr_assert_not_null(file);
    fprintf(file, "channel_id: 7\ntransport_stream_id: 1\noriginal_network_id: 2\nscgs:\n");
    for (unsigned i = 1; i <= 1000; i++)
        fprintf(file, "  - {id: %u, services: [%u], ecm_groups: [{super_cas_id: 1, ecm_id: %u}]}\n", i, i, i);
    fclose(file);
    cr_assert_eq(RUN(), 0, "%s", err);
    cr_assert_eq(scs.definitions, 1000);
    cr_assert_eq(RUN("--list", "--json"), 0);
    expect(out, "{\"event\":\"summary\",\"answers\":1000,\"refused\":0}\n");
}

static void write_tls_config(const char *name)
{
    char text[4096];

    snprintf(text, sizeof(text), "%stls: {certificate: %s/%s.pem, key: %s/%s.key, authorities: %s/ca.pem}\n",
             config_text, certificates_folder, name, certificates_folder, name, certificates_folder);
    write_config(text);
}

Test(eis_command, speaks_tls_with_certificates_on_both_ends)
{
    certificates_setup();
    struct net_tls *tls = certificates_tls("server", "ca", true);

    listen_with(tls);
    write_tls_config("client");
    cr_assert_eq(RUN(), 0, "%s", err);
    cr_assert_eq(scs.definitions, 2);
    write_tls_config("stranger");
    cr_assert_eq(RUN(), 1);
    cr_assert_eq(scs.definitions, 2);
    write_config(config_text);
    cr_assert_eq(RUN(), 1, "plain TCP to a listener with TLS");
    net_tls_destroy(tls);
    certificates_teardown();
}

/* tshark's dissector reads what the program sends, and what it is answered. */
Test(eis_command, tshark_reads_the_conversation)
{
    static char decoded[1 << 18];
    char command[256];
    struct capture_writer writer;
    FILE *file = tmpfile(), *tshark;

    if (system("tshark --version >/dev/null 2>&1"))
        cr_skip_test("tshark is not installed");
    capture_begin(&writer, file);
    scs.recording = &writer;
    cr_assert_eq(RUN(), 0);
    cr_assert_eq(RUN("--reset"), 0);
    fflush(file);
    snprintf(command, sizeof(command),
             "tshark -r /proc/%d/fd/%d -d tcp.port==%d,simulcrypt -Y simulcrypt -O simulcrypt 2>/dev/null",
             (int)getpid(), fileno(file), CAPTURE_PORT);
    tshark = popen(command, "r");
    cr_assert_not_null(tshark);
    decoded[fread(decoded, 1, sizeof(decoded) - 1, tshark)] = '\0';
    cr_assert_eq(pclose(tshark), 0);
    expect(decoded, "Message Type: ");
    expect(decoded, "Activation time: ");
    cr_assert_null(strstr(decoded, "Malformed"));
    cr_assert_null(strstr(decoded, "Unknown ("));
    cr_assert_null(strstr(decoded, "DVB reserved"));
    fclose(file);
}
