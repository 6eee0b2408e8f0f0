/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys/key_file.h: secrets in files of their own (mode 0600, one line of hexadecimal digits). Thread-safe
 * where files are not shared; calls the system, so control threads only. */
#ifndef KEYS_KEY_FILE_H
#define KEYS_KEY_FILE_H

#include <stddef.h>

#include "base/secret.h"

/* Where keys live unless told: $SCRAMLINE_KEY_DIR, else $XDG_CONFIG_HOME/scramline, else ~/.config/scramline.
 * -ENOENT where none of the variables is set, -ENAMETOOLONG. */
int keys_default_directory(char *path, size_t room);

/* Creates the file (and the folders on its way, mode 0700), on the disk when this returns. -EEXIST where
 * anything of that name is there already, a dangling link too: it is never overwritten. */
int keys_file_write(const char *path, const struct base_secret *secret);

/* BASE_E_MALFORMED unless the file is a regular one and holds exactly `size` bytes as text; -EPERM where its
 * mode lets others than the owner in. On failure `secret` is empty. */
int keys_file_read(const char *path, struct base_secret *secret, size_t size);

#endif
