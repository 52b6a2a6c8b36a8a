/* SPDX-License-Identifier: MIT */
#ifndef TARE_COMMANDS_LOAD_H
#define TARE_COMMANDS_LOAD_H

#include "base/err.h"
#include "profile/profile.h"

/*
 * store_load(), with what a user needs to hear when the name is wrong:
 * ERR_NOT_FOUND when there is no such file, ERR_USAGE for a directory.
 */
int load_recording(struct profile **out, const char *path, struct err *err);

#endif
