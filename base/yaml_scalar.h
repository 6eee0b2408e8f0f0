/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/yaml_scalar.h: the text of one value to what its key says. Private to base/yaml.c. */
#ifndef BASE_YAML_SCALAR_H
#define BASE_YAML_SCALAR_H

#include "base/yaml.h"

/* `text` NULL: the value is no text, which suits no scalar. 0, or BASE_E_CONFIGURATION with the report. */
int base__yaml_take_scalar(const struct base_yaml_report *report, const struct base_yaml_key *key,
                           const char *text, size_t line, char *into);

#endif
