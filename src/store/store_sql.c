/* SPDX-License-Identifier: MIT */
#include "store/store_sql.h"

#include <errno.h>
#include <string.h>

/*
 * SQLite's own codes are coarse: the system's say what happened. SQLite 3.40
 * does not note it when the write fails in a COMMIT (found with
 * RLIMIT_FSIZE), but errno still says.
 */
static int system_error(sqlite3 *db)
{
	int last = errno;
	int saved = db ? sqlite3_system_errno(db) : 0;

	if (saved)
		return saved;
	return last ? last : EIO;
}

static int no_room(const char *path, const char *why, struct err *err)
{
	int rc = err_set(err, ERR_SYS, "cannot write '%s': %s", path, why);

	err_hint(err, "make room, or write elsewhere: -o FILE");
	return rc;
}

int store_write_failed(sqlite3 *db, int sqlite_rc, const char *path,
		       struct err *err)
{
	int code = sqlite_rc & 0xff, error, rc;

	switch (code) {
	case SQLITE_NOMEM:
		return err_nomem(err);
	case SQLITE_FULL:
		return no_room(path, "no space is left", err);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		error = code == SQLITE_READONLY ? EROFS : system_error(db);
		if (error == ENOSPC || error == EDQUOT || error == EFBIG)
			return no_room(path, strerror(error), err);
		errno = error;
		rc = err_sys(err, "cannot write '%s'", path);
		err_hint(err, "'-o FILE' writes the recording to another "
			      "place");
		return rc;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		rc = err_set(err, ERR_EXISTS,
			     "'%s' is in use by another program", path);
		err_hint(err, "'-o FILE' writes the recording to another "
			      "place");
		return rc;
	default:
		return err_set(err, ERR_SYS, "cannot write '%s': %s", path,
			       db ? sqlite3_errmsg(db)
				  : sqlite3_errstr(sqlite_rc));
	}
}

int store_read_failed(sqlite3 *db, int sqlite_rc, const char *path,
		      struct err *err)
{
	int rc;

	switch (sqlite_rc & 0xff) {
	case SQLITE_NOMEM:
		return err_nomem(err);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		rc = err_set(err, ERR_EXISTS,
			     "'%s' is being written by another tare", path);
		err_hint(err, "wait until that recording ends");
		return rc;
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
	case SQLITE_PERM:
	case SQLITE_READONLY:
		errno = system_error(db);
		rc = err_sys(err, "cannot read '%s'", path);
		err_hint(err, "is it yours to read? try: ls -l '%s'", path);
		return rc;
	default:
		rc = err_set(err, ERR_CORRUPT, "'%s' is damaged: %s", path,
			     db ? sqlite3_errmsg(db)
				: sqlite3_errstr(sqlite_rc));
		err_hint(err, "record it again, or take it from a backup");
		return rc;
	}
}
