-- SPDX-License-Identifier: MIT
-- The .tare file, version 1. docs/format.md says what each thing means; a
-- change here that an older tare cannot read raises user_version.
--
-- Times are nanoseconds of CLOCK_MONOTONIC since the recording began, ids
-- count from 0 without gaps, quality is 0 complete, 1 salvaged,
-- 2 inconsistent, 3 lost.

PRAGMA application_id = 1952543333; -- "tare" in ASCII
PRAGMA user_version = 1;

-- The recording as a whole. complete: the file was finished, so that the
-- tables below "rollups" are filled.
CREATE TABLE recording (
	id INTEGER PRIMARY KEY CHECK (id = 0),
	complete INTEGER NOT NULL,
	asked_hz REAL NOT NULL,
	wall_ns INTEGER NOT NULL,
	cpu_ns INTEGER NOT NULL,
	user_ns INTEGER NOT NULL,
	sys_ns INTEGER NOT NULL,
	tick_nr INTEGER NOT NULL,
	missed_nr INTEGER NOT NULL,
	sampler_cpu_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE meta (
	key TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Names. string 0 is ''.
CREATE TABLE string (
	id INTEGER PRIMARY KEY,
	text TEXT NOT NULL
) STRICT;

-- name and file are strings; line is where the function begins.
CREATE TABLE function (
	id INTEGER PRIMARY KEY,
	name INTEGER NOT NULL,
	file INTEGER NOT NULL,
	line INTEGER NOT NULL
) STRICT;

-- A function at one of its lines.
CREATE TABLE frame (
	id INTEGER PRIMARY KEY,
	function INTEGER NOT NULL,
	line INTEGER NOT NULL
) STRICT;

-- A stack: that of `parent` and one frame more. Node 0, the empty stack, has
-- no row. parent < id.
CREATE TABLE node (
	id INTEGER PRIMARY KEY,
	parent INTEGER NOT NULL,
	frame INTEGER NOT NULL
) STRICT;

-- cpu_ns and run_queue_ns are NULL when the kernel did not tell.
CREATE TABLE thread (
	id INTEGER PRIMARY KEY,
	pid INTEGER NOT NULL,
	tid INTEGER NOT NULL,
	name INTEGER NOT NULL,
	main INTEGER NOT NULL,
	start_ns INTEGER NOT NULL,
	end_ns INTEGER NOT NULL,
	cpu_ns INTEGER,
	run_queue_ns INTEGER
) STRICT;

-- The text of source lines.
CREATE TABLE source (
	file INTEGER NOT NULL,
	line INTEGER NOT NULL,
	text INTEGER NOT NULL
) STRICT;

-- What was seen, tick by tick. What a code in `runs` means is in track_code.
CREATE TABLE clock (
	first_tick INTEGER PRIMARY KEY,
	tick_nr INTEGER NOT NULL,
	base_us INTEGER NOT NULL,
	gaps BLOB NOT NULL
) STRICT;

CREATE TABLE track (
	id INTEGER PRIMARY KEY,
	thread INTEGER NOT NULL,
	first_tick INTEGER NOT NULL,
	tick_nr INTEGER NOT NULL,
	runs BLOB NOT NULL
) STRICT;

-- The codes of a thread count from 0 in the order of the ids.
CREATE TABLE track_code (
	id INTEGER PRIMARY KEY,
	thread INTEGER NOT NULL,
	node INTEGER NOT NULL,
	quality INTEGER NOT NULL
) STRICT;

-- Rollups, in samples; all of them rest on the tracks.
CREATE TABLE stack_count (
	id INTEGER PRIMARY KEY,
	thread INTEGER NOT NULL,
	node INTEGER NOT NULL,
	quality INTEGER NOT NULL,
	nr INTEGER NOT NULL
) STRICT;

-- Looks at a thread by their quality, and how long it lived.
CREATE TABLE thread_count (
	thread INTEGER PRIMARY KEY,
	wall_ns INTEGER NOT NULL,
	complete INTEGER NOT NULL,
	salvaged INTEGER NOT NULL,
	inconsistent INTEGER NOT NULL,
	lost INTEGER NOT NULL
) STRICT;

-- Complete samples only. function or frame is NULL where no Python frame was
-- on the stack. total counts recursion once.
CREATE TABLE function_count (
	thread INTEGER NOT NULL,
	function INTEGER,
	self INTEGER NOT NULL,
	total INTEGER NOT NULL
) STRICT;

CREATE TABLE line_count (
	thread INTEGER NOT NULL,
	frame INTEGER,
	self INTEGER NOT NULL,
	total INTEGER NOT NULL
) STRICT;

-- Seconds for people. A complete sample of a thread stands for the thread's
-- wall time divided by its complete samples.
CREATE VIEW thread_time AS
SELECT
	c.thread, t.pid, t.tid, s.text AS name, t.main,
	c.wall_ns / 1e9 AS wall_s, t.cpu_ns / 1e9 AS cpu_s,
	c.complete, c.salvaged, c.inconsistent, c.lost,
	CASE WHEN c.complete > 0 THEN c.wall_ns / 1e9 / c.complete END
		AS look_s
FROM thread_count c
JOIN thread t ON t.id = c.thread
LEFT JOIN string s ON s.id = t.name;

CREATE VIEW thread_function_time AS
SELECT
	c.thread, file.text AS file,
	coalesce(name.text, '(no Python frame)') AS function, f.line,
	c.self * t.look_s AS self_s, c.total * t.look_s AS total_s
FROM function_count c
JOIN thread_time t ON t.thread = c.thread
LEFT JOIN function f ON f.id = c.function
LEFT JOIN string name ON name.id = f.name
LEFT JOIN string file ON file.id = f.file;

CREATE VIEW thread_line_time AS
SELECT
	c.thread, file.text AS file,
	coalesce(name.text, '(no Python frame)') AS function, r.line,
	c.self * t.look_s AS self_s, c.total * t.look_s AS total_s
FROM line_count c
JOIN thread_time t ON t.thread = c.thread
LEFT JOIN frame r ON r.id = c.frame
LEFT JOIN function f ON f.id = r.function
LEFT JOIN string name ON name.id = f.name
LEFT JOIN string file ON file.id = f.file;

CREATE VIEW function_time AS
SELECT file, function, line, sum(self_s) AS self_s, sum(total_s) AS total_s
FROM thread_function_time
GROUP BY file, function, line;

CREATE VIEW line_time AS
SELECT file, function, line, sum(self_s) AS self_s, sum(total_s) AS total_s
FROM thread_line_time
GROUP BY file, function, line;
