/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every DVB-CSA2 tier against libdvbcsa's scalar code, lane by lane. */
#include "tests/cipher/tier_tests.h"

#define TIERS(X) X(ref, "ref") X(libdvbcsa, "libdvbcsa") X(avx2, "avx2") X(avx512, "avx512")

#define X(name, text) TIER_TESTS(csa2, name, text, CIPHER_DVB_CSA2, CIPHER_DVB_CSA2)
TIERS(X)
#undef X

Test(csa2, every_tier_is_tested)
{
#define X(name, text) text ","
    tier_tests_name_all(TIERS(X), CIPHER_DVB_CSA2, CIPHER_DVB_CSA2);
#undef X
}
