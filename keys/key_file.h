/* keys/key_file.h: secrets in files of their own (mode 0600, one line of hexadecimal digits). */
#ifndef KEYS_KEY_FILE_H
#define KEYS_KEY_FILE_H

#include <stddef.h>

#include "base/secret.h"

/* Where keys live unless told: $SCRAMLINE_KEY_DIR, else $XDG_CONFIG_HOME/scramline, else ~/.config/scramline.
 * -ENOENT where none of the variables is set, -ENAMETOOLONG. */
int keys_default_directory(char *path, size_t room);

/* Creates the file (and its folder, mode 0700). -EEXIST where it is there already: it is never overwritten.
 */
int keys_file_write(const char *path, const struct base_secret *secret);

/* BASE_E_MALFORMED unless the file holds exactly `size` bytes as text; -EPERM where others than the owner can
 * read it. */
int keys_file_read(const char *path, struct base_secret *secret, size_t size);

#endif
