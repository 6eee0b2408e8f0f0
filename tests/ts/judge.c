/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/ts/judge.h"

#include <stddef.h>

#if __has_include(<bitstream/mpeg/psi/pmt.h>)

#include <bitstream/dvb/si/sdt.h>
#include <bitstream/mpeg/psi/cat.h>
#include <bitstream/mpeg/psi/desc_09.h>
#include <bitstream/mpeg/psi/pmt.h>

const bool judge_available = true;

static const char *judge_ca(uint8_t *descriptor, uint16_t ca_system_id, uint16_t ca_pid)
{
    if (!descriptor || desc_get_tag(descriptor) != 0x09 || !desc09_validate(descriptor))
        return "no CA_descriptor";
    if (desc09_get_sysid(descriptor) != ca_system_id)
        return "another CA_system_ID";
    return desc09_get_pid(descriptor) == ca_pid ? NULL : "another CA_PID";
}

const char *judge_pmt(uint8_t *section, uint8_t version, uint8_t index, uint16_t ca_system_id,
                      uint16_t ca_pid)
{
    if (!pmt_validate(section))
        return "not a PMT";
    if (psi_get_version(section) != version)
        return "another version";
    return judge_ca(descs_get_desc(pmt_get_descs(section), index), ca_system_id, ca_pid);
}

const char *judge_cat(uint8_t *section, uint8_t version, uint16_t ca_system_id, uint16_t ca_pid)
{
    if (!cat_validate(section))
        return "not a CAT";
    if (psi_get_version(section) != version)
        return "another version";
    return judge_ca(descl_get_desc(cat_get_descl(section), cat_get_desclength(section), 0), ca_system_id,
                    ca_pid);
}

const char *judge_sdt(uint8_t *section, uint8_t version, bool free_ca_mode)
{
    if (!sdt_validate(section))
        return "not an SDT";
    if (psi_get_version(section) != version)
        return "another version";
    return sdtn_get_ca(sdt_get_service(section, 0)) == free_ca_mode ? NULL : "another free_CA_mode";
}

#else

const bool judge_available = false;

const char *judge_pmt(uint8_t *section, uint8_t version, uint8_t index, uint16_t ca_system_id,
                      uint16_t ca_pid)
{
    return "no judge";
}

const char *judge_cat(uint8_t *section, uint8_t version, uint16_t ca_system_id, uint16_t ca_pid)
{
    return "no judge";
}

const char *judge_sdt(uint8_t *section, uint8_t version, bool free_ca_mode)
{
    return "no judge";
}

#endif
