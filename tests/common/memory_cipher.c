/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks that the ciphers' libraries make for the rooms, and that may hold control words. */
#include <dvbcsa/dvbcsa.h>
#include <openssl/evp.h>
#include <stddef.h>

#include "tests/common/memory_wrap.h"

MEMORY__WRAP_REQUEST(struct dvbcsa_key_s, dvbcsa_key_alloc, (void), ())
MEMORY__WRAP_REQUEST(struct dvbcsa_bs_key_s, dvbcsa_bs_key_alloc, (void), ())
MEMORY__WRAP_REQUEST(EVP_CIPHER_CTX, EVP_CIPHER_CTX_new, (void), ())
MEMORY__WRAP_RELEASE(struct dvbcsa_key_s, dvbcsa_key_free)
MEMORY__WRAP_RELEASE(struct dvbcsa_bs_key_s, dvbcsa_bs_key_free)
MEMORY__WRAP_RELEASE(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
