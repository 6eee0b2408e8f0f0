/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/words.h"

#include "base/error.h"

/* The list's word for a crypto-period; before the first the first, after the last the last. */
static const struct base_secret *listed(const struct headend__words *words, uint64_t crypto_period)
{
    int64_t index = (int64_t)(crypto_period - words->first);

    if (index < 0 || words->fixed)
        return &words->list->words[0];
    if ((uint64_t)index >= words->list->count)
        return &words->list->words[words->list->count - 1];
    return &words->list->words[index];
}

int headend__words_get(struct headend__words *words, uint64_t crypto_period, const struct base_secret **cw)
{
    unsigned at;
    int r;

    if (words->list) {
        *cw = listed(words, crypto_period);
        return (*cw)->size == words->generator.cw_size ? 0 : BASE_E_MALFORMED;
    }
    if (words->fixed)
        crypto_period = words->first;
    at = (unsigned)(crypto_period % HEADEND__WORDS);
    if (!words->entries[at].cw.size || words->entries[at].crypto_period != crypto_period) {
        base_secret_clear(&words->entries[at].cw);
        r = keys_cw_generate(&words->generator, crypto_period, &words->entries[at].cw);
        if (r < 0) {
            base_secret_clear(&words->entries[at].cw);
            return r;
        }
        words->entries[at].crypto_period = crypto_period;
    }
    *cw = &words->entries[at].cw;
    return 0;
}

void headend__words_clear(struct headend__words *words)
{
    keys_cw_generator_clear(&words->generator);
    base_secure_zero(words->entries, sizeof(words->entries));
}
