/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scramline-ecmg and scramline-keys as their users run them. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/scramline-cmd-XXXXXX";
static char out[8192], err[8192];
static pid_t child;
static int child_out, child_err;

static void setup(void)
{
    cr_assert_not_null(getenv("SCRAMLINE_PROGRAMS"), "set by the test runner");
    cr_assert_not_null(mkdtemp(folder));
    setenv("SCRAMLINE_KEY_DIR", folder, 1);
}

static void teardown(void)
{
    static const char *const names[] = {"service.key", "other.key", "ecmg.yaml"};
    char path[128];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

TestSuite(ecmg_command, .init = setup, .fini = teardown, .timeout = 60);
TestSuite(keys_command, .init = setup, .fini = teardown, .timeout = 60);

static const char *in_folder(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

/* Starts "scramline ARGUMENTS" (through the dispatcher) with both outputs in pipes. */
static void start(const char *const *arguments)
{
    int out_pipe[2], err_pipe[2];
    char program[512];

    snprintf(program, sizeof(program), "%s/scramline", getenv("SCRAMLINE_PROGRAMS"));
    cr_assert(pipe(out_pipe) == 0 && pipe(err_pipe) == 0);
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

#define START(...) start((const char *const[]){"scramline", __VA_ARGS__, NULL})

static void read_line(int fd, char *text, size_t room)
{
    size_t size = 0;

    while (size + 1 < room && read(fd, text + size, 1) == 1 && text[size++] != '\n')
        ;
    text[size] = '\0';
}

static void read_all(int fd, char *text, size_t room)
{
    size_t size = 0;
    ssize_t got;

    while (size + 1 < room && (got = read(fd, text + size, room - 1 - size)) > 0)
        size += (size_t)got;
    text[size] = '\0';
    close(fd);
}

static int finish(void)
{
    int status;

    read_all(child_out, out, sizeof(out));
    read_all(child_err, err, sizeof(err));
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define RUN(...) (START(__VA_ARGS__), finish())

static void assert_one_line(const char *text, const char *part)
{
    const char *end = strchr(text, '\n');

    cr_assert(end && !end[1], "not one line: '%s'", text);
    cr_assert_not_null(strstr(text, part), "'%s' is not in '%s'", part, text);
}

static void read_file(const char *name, char *text, size_t room)
{
    int fd = open(in_folder(name), O_RDONLY | O_CLOEXEC);

    cr_assert_geq(fd, 0);
    read_all(fd, text, room);
}

static void write_config(const char *text)
{
    FILE *file = fopen(in_folder("ecmg.yaml"), "we");

    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

Test(keys_command, makes_what_is_missing_and_keeps_what_is_there)
{
    char first[128], again[128];
    struct stat about;

    cr_assert_eq(RUN("keys"), 0);
    assert_one_line(out, "made ");
    cr_assert_eq(stat(in_folder("service.key"), &about), 0);
    cr_assert_eq(about.st_mode & 0777, 0600);
    read_file("service.key", first, sizeof(first));
    cr_assert_eq(strlen(first), 33);
    cr_assert_eq(RUN("keys"), 0);
    assert_one_line(out, "kept ");
    read_file("service.key", again, sizeof(again));
    cr_assert_str_eq(first, again);
}

Test(keys_command, never_overwrites_and_never_shows)
{
    char first[128], again[128];

    cr_assert_eq(RUN("keys", "service"), 0);
    read_file("service.key", first, sizeof(first));
    first[32] = '\0';
    cr_assert_null(strstr(out, first));
    cr_assert_eq(RUN("keys", "service"), 1);
    cr_assert_str_empty(out);
    assert_one_line(err, "is there already");
    cr_assert_null(strstr(err, first));
    read_file("service.key", again, sizeof(again));
    cr_assert_eq(strncmp(first, again, 32), 0);
}

Test(keys_command, makes_a_different_key_each_time_and_where_told)
{
    char first[128], other[128];

    cr_assert_eq(RUN("keys", "service"), 0);
    cr_assert_eq(RUN("keys", "service", "--out", in_folder("other.key")), 0);
    read_file("service.key", first, sizeof(first));
    read_file("other.key", other, sizeof(other));
    cr_assert_str_neq(first, other);
    cr_assert_eq(RUN("keys", "service", "--out", "/proc/none/x.key"), 1);
    assert_one_line(err, "cannot make /proc/none/x.key");
}

Test(keys_command, wrong_command_lines_cost_one_line)
{
    cr_assert_eq(RUN("keys", "master"), 2);
    assert_one_line(err, "unknown secret 'master'");
    cr_assert_eq(RUN("keys", "--out", "x"), 2);
    assert_one_line(err, "--out");
    cr_assert_eq(RUN("keys", "--help"), 0);
    cr_assert_not_null(strstr(out, "service.key"));
}

Test(ecmg_command, says_where_it_listens_and_stops_in_order)
{
    static const int signals[] = {SIGINT, SIGTERM};

    cr_assert_eq(RUN("keys"), 0);
    for (unsigned i = 0; i < 2; i++) {
        START("ecmg", "--listen", "127.0.0.1:0");
        read_line(child_out, out, sizeof(out));
        cr_assert_eq(strncmp(out, "listening on 127.0.0.1:", 23), 0, "%s", out);
        cr_assert_neq(strtoul(out + 23, NULL, 10), 0);
        kill(child, signals[i]);
        cr_assert_eq(finish(), 0);
        assert_one_line(out, "0 connections, 0 ECMs, 0 error messages");
        cr_assert_str_empty(err);
    }
}

Test(ecmg_command, speaks_json)
{
    cr_assert_eq(RUN("keys"), 0);
    START("ecmg", "--json", "--listen", "127.0.0.1:0");
    read_line(child_out, out, sizeof(out));
    assert_one_line(out, "{\"event\":\"listening\",\"address\":\"127.0.0.1\",\"port\":");
    kill(child, SIGTERM);
    cr_assert_eq(finish(), 0);
    assert_one_line(out, "{\"event\":\"summary\",\"connections\":0,\"ecms\":0,\"errors\":0,\"seconds\":");
}

Test(ecmg_command, a_port_in_use_is_one_line)
{
    pid_t first;
    char endpoint[64];
    int first_out;

    cr_assert_eq(RUN("keys"), 0);
    START("ecmg", "--listen", "127.0.0.1:0");
    first = child;
    first_out = child_out;
    read_line(child_out, out, sizeof(out));
    snprintf(endpoint, sizeof(endpoint), "%.*s", (int)strcspn(out, "\n") - 13, out + 13);
    cr_assert_eq(RUN("ecmg", "--listen", endpoint), 1);
    cr_assert_str_empty(out);
    assert_one_line(err, "cannot listen on 127.0.0.1:");
    cr_assert_not_null(strstr(err, "Address already in use"));
    kill(first, SIGTERM);
    cr_assert_eq(waitpid(first, NULL, 0), first);
    close(first_out);
}

Test(ecmg_command, a_missing_key_tells_how_to_make_it)
{
    cr_assert_eq(RUN("ecmg", "--listen", "127.0.0.1:0"), 1);
    assert_one_line(err, "service.key: there is no such file (scramline keys service makes one)");
    cr_assert_eq(RUN("ecmg", "--listen", "127.0.0.1:0", "--service-key", "/nowhere/k"), 1);
    assert_one_line(err, "/nowhere/k");
}

Test(ecmg_command, a_configuration_replaces_the_defaults)
{
    cr_assert_eq(RUN("keys", "service", "--out", in_folder("other.key")), 0);
    write_config("port: 0\nservices:\n  - super_cas_id: 7\n    key_file: other.key\n");
    START("ecmg", "-c", in_folder("ecmg.yaml"));
    read_line(child_out, out, sizeof(out));
    cr_assert_eq(strncmp(out, "listening on 127.0.0.1:", 23), 0, "%s", out);
    kill(child, SIGTERM);
    cr_assert_eq(finish(), 0);
    write_config("port: 0\nservice: 1\n");
    cr_assert_eq(RUN("ecmg", "-c", in_folder("ecmg.yaml")), 1);
    assert_one_line(err, "ecmg.yaml:2: unknown key 'service'");
}

Test(ecmg_command, a_second_key_for_any_is_refused)
{
    char config[128];

    cr_assert_eq(RUN("keys", "service", "--out", in_folder("other.key")), 0);
    write_config("port: 0\nservices:\n  - super_cas_id: any\n    key_file: other.key\n");
    snprintf(config, sizeof(config), "%s", in_folder("ecmg.yaml"));
    cr_assert_eq(RUN("ecmg", "-c", config, "--service-key", in_folder("other.key")), 2);
    assert_one_line(err, "has a key for 'any' already");
}

Test(ecmg_command, wrong_command_lines_cost_one_line)
{
    cr_assert_eq(RUN("ecmg", "--colour"), 2);
    assert_one_line(err, "unknown option '--colour'");
    cr_assert_eq(RUN("ecmg", "--listen", "127.0.0.1"), 2);
    assert_one_line(err, "--listen: '127.0.0.1' is not ADDRESS:PORT");
    cr_assert_eq(RUN("ecmg", "--listen", "127.0.0.1:65536"), 2);
    cr_assert_eq(RUN("ecmg", "extra"), 2);
    cr_assert_eq(RUN("ecmg", "--help"), 0);
    cr_assert_not_null(strstr(out, "Example:"));
}

/* Its memory holds keys: no core dump, no reading by other processes of the user. */
Test(ecmg_command, protects_its_memory)
{
    char path[64], limits[4096];
    struct stat about;

    cr_assert_eq(RUN("keys"), 0);
    START("ecmg", "--listen", "127.0.0.1:0");
    read_line(child_out, out, sizeof(out));
    snprintf(path, sizeof(path), "/proc/%d/limits", (int)child);
    read_all(open(path, O_RDONLY | O_CLOEXEC), limits, sizeof(limits));
    cr_assert_not_null(strstr(limits, "Max core file size        0                    0 "), "%s", limits);
    snprintf(path, sizeof(path), "/proc/%d/mem", (int)child);
    cr_assert_eq(stat(path, &about), 0);
    cr_assert_eq(about.st_uid, 0, "files of a process that may not be dumped belong to root");
    kill(child, SIGTERM);
    cr_assert_eq(finish(), 0);
}

Test(ecmg_command, is_linked_without_dpdk)
{
    char command[512];
    FILE *ldd;

    snprintf(command, sizeof(command), "ldd %s/scramline-ecmg 2>&1", getenv("SCRAMLINE_PROGRAMS"));
    ldd = popen(command, "r");
    cr_assert_not_null(ldd);
    out[fread(out, 1, sizeof(out) - 1, ldd)] = '\0';
    pclose(ldd);
    cr_assert_not_null(strstr(out, "libuv"), "%s", out);
    cr_assert_null(strstr(out, "librte"));
}
