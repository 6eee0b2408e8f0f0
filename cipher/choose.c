/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which tier works: best first, what this CPU has, and what passes its self-test. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "cipher/tier.h"

static bool is_available(const struct cipher__tier *tier)
{
    return (tier->features & ~cipher_cpu_features()) == 0;
}

/* The index of the first available tier from `first` on, or CIPHER__TIERS_MAX. */
static unsigned next_available(const struct cipher__tier_list *list, unsigned first)
{
    for (unsigned i = first; i < CIPHER__TIERS_MAX && list->tiers[i]; i++) {
        if (is_available(list->tiers[i]))
            return i;
    }
    return CIPHER__TIERS_MAX;
}

static void tell_disabled(const struct cipher__tier_list *list, unsigned index)
{
    unsigned next = next_available(list, index + 1);
    const char *algorithm = cipher_algorithm_name(list->algorithm);
    const char *name = list->tiers[index]->name;

    if (next < CIPHER__TIERS_MAX)
        base_log(BASE_LOG_ERROR,
                 "%s: tier %s gives wrong answers in its self-test and is disabled: tier %s takes its place",
                 algorithm, name, list->tiers[next]->name);
    else
        base_log(BASE_LOG_ERROR,
                 "%s: tier %s gives wrong answers in its self-test and is disabled: no other is left",
                 algorithm, name);
}

/* The tier's self-test, once per process; under the mutex. */
static int tested_once(struct cipher__tier_list *list, unsigned index)
{
    if (list->verdicts[index] == CIPHER__UNTESTED) {
        int status = cipher__self_test_tier(list->algorithm, list->tiers[index], false);

        if (status == BASE_E_SELF_TEST)
            tell_disabled(list, index);
        else if (status < 0)
            return status; /* says nothing about the tier: memory may be there the next time */
        list->verdicts[index] = status ? CIPHER__UNSOUND : CIPHER__SOUND;
    }
    return list->verdicts[index] == CIPHER__SOUND ? 0 : BASE_E_SELF_TEST;
}

static int choose_best(struct cipher__tier_list *list, unsigned *index)
{
    int status = -ENOTSUP;

    for (*index = next_available(list, 0); *index < CIPHER__TIERS_MAX;
         *index = next_available(list, *index + 1)) {
        status = tested_once(list, *index);
        if (status != BASE_E_SELF_TEST)
            return status;
    }
    return status;
}

static int choose_named(struct cipher__tier_list *list, const char *name, unsigned *index)
{
    for (*index = 0; *index < CIPHER__TIERS_MAX && list->tiers[*index]; ++*index) {
        if (!strcmp(list->tiers[*index]->name, name))
            return is_available(list->tiers[*index]) ? tested_once(list, *index) : -ENOTSUP;
    }
    return -ENOENT;
}

static void tell_choice(struct cipher__tier_list *list, unsigned index)
{
    if (!list->told[index])
        base_log(BASE_LOG_DEBUG, "%s: tier %s", cipher_algorithm_name(list->algorithm),
                 list->tiers[index]->name);
    list->told[index] = true;
}

int cipher__choose_tier(struct cipher__tier_list *list, const char *name, const struct cipher__tier **tier)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    unsigned index;
    int status;

    pthread_mutex_lock(&mutex);
    status = name ? choose_named(list, name, &index) : choose_best(list, &index);
    if (status == 0) {
        tell_choice(list, index);
        *tier = list->tiers[index];
    }
    pthread_mutex_unlock(&mutex);
    return status;
}
