/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every AES tier with its algorithms against OpenSSL's block cipher driven by hand, lane by lane. */
#include "tests/cipher/tier_tests.h"

#define TIERS(X)                                                                                             \
    X(ref, "ref") X(openssl, "openssl") X(ipsec_mb, "ipsec-mb") X(avx2, "avx2") X(avx512, "avx512")

#define X(name, text) TIER_TESTS(aes, name, text, CIPHER_DVB_CISSA, CIPHER_AES_CTR)
TIERS(X)
#undef X

Test(aes, every_tier_is_tested)
{
#define X(name, text) text ","
    tier_tests_name_all(TIERS(X), CIPHER_DVB_CISSA, CIPHER_AES_CTR);
#undef X
}
