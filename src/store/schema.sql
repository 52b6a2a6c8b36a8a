-- SPDX-License-Identifier: MIT
-- The .tare file, version 3. docs/format.md says what each thing means; a
-- change here that an older tare cannot read raises user_version.
--
-- Times are nanoseconds of CLOCK_MONOTONIC since the recording began, ids
-- count from 0 without gaps, quality is 0 complete, 1 salvaged,
-- 2 inconsistent, 3 lost, 4 no Python in the thread. The states are in the view `state`.

PRAGMA application_id = 1952543333; -- "tare" in ASCII
PRAGMA user_version = 3;

-- The recording as a whole. complete: the file was finished, so that the
-- tables below "rollups" are filled.
CREATE TABLE recording (
	id INTEGER PRIMARY KEY CHECK (id = 0),
	complete INTEGER NOT NULL,
	asked_hz REAL NOT NULL,
	wall_ns INTEGER NOT NULL,
	tick_nr INTEGER NOT NULL,
	missed_nr INTEGER NOT NULL,
	sampler_cpu_ns INTEGER NOT NULL,
	native_lost INTEGER NOT NULL
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

-- name and file are strings; line is where the function begins. native: it is
-- machine code, a symbol in a library, and has no lines.
CREATE TABLE function (
	id INTEGER PRIMARY KEY,
	name INTEGER NOT NULL,
	file INTEGER NOT NULL,
	line INTEGER NOT NULL,
	native INTEGER NOT NULL
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

-- The processes of the job, parents before children. parent is NULL where it
-- is none of them. The other names are strings.
CREATE TABLE process (
	id INTEGER PRIMARY KEY,
	pid INTEGER NOT NULL,
	parent INTEGER,
	command INTEGER NOT NULL,
	python INTEGER NOT NULL,
	trouble INTEGER NOT NULL,
	"end" INTEGER NOT NULL,
	start_ns INTEGER NOT NULL,
	end_ns INTEGER NOT NULL
) STRICT;

-- What the kernel counted: of a process or, where process is -1, of the job.
-- The names of the figures are in the view `figure`; id is
-- (process + 1) * 32 + figure.
CREATE TABLE process_figure (
	id INTEGER PRIMARY KEY,
	process INTEGER NOT NULL,
	figure INTEGER NOT NULL,
	value INTEGER NOT NULL
) STRICT;

-- cpu_ns and run_queue_ns are NULL when the kernel did not tell.
CREATE TABLE thread (
	id INTEGER PRIMARY KEY,
	process INTEGER NOT NULL,
	tid INTEGER NOT NULL,
	name INTEGER NOT NULL,
	main INTEGER NOT NULL,
	start_ns INTEGER NOT NULL,
	end_ns INTEGER NOT NULL,
	cpu_ns INTEGER,
	run_queue_ns INTEGER
) STRICT;

-- How often a thread was in a native function, at even steps of its CPU time.
-- kind, module and symbol are strings.
CREATE TABLE native (
	id INTEGER PRIMARY KEY,
	thread INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	module INTEGER NOT NULL,
	symbol INTEGER NOT NULL,
	nr INTEGER NOT NULL
) STRICT;

-- The time of asyncio's tasks: in which stack they were, and what they did
-- there. The kinds are in the view `await_kind`; node 0 where there is no
-- stack.
CREATE TABLE await (
	id INTEGER PRIMARY KEY,
	process INTEGER NOT NULL,
	node INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	us INTEGER NOT NULL
) STRICT;

-- How the tasks of a process were read. squares: the sum of the squares of the
-- task seconds that each gap between two readings stands for.
CREATE TABLE await_process (
	process INTEGER PRIMARY KEY,
	readings INTEGER NOT NULL,
	torn_readings INTEGER NOT NULL,
	cut_readings INTEGER NOT NULL,
	tasks_seen INTEGER NOT NULL,
	tasks_at_once INTEGER NOT NULL,
	task_readings INTEGER NOT NULL,
	doubtful_task_readings INTEGER NOT NULL,
	task_readings_of_several_awaiters INTEGER NOT NULL,
	squares REAL NOT NULL
) STRICT;

-- How often a thread was in a stack of native functions and Python frames, at
-- even steps of its CPU time. outcome is 0 the whole stack, 1 native frames are
-- missing above Python's newest, 2 the thread ran on before it could be read,
-- 3 Python's stack was not read whole, 4 the two stacks do not fit together,
-- 5 there was no native stack. From 2 on node is 0.
CREATE TABLE merge_count (
	id INTEGER PRIMARY KEY,
	thread INTEGER NOT NULL,
	node INTEGER NOT NULL,
	outcome INTEGER NOT NULL,
	nr INTEGER NOT NULL
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
	quality INTEGER NOT NULL,
	state INTEGER NOT NULL
) STRICT;

-- Rollups; all of them rest on the tracks. nr is in looks. ticks are those that
-- the looks stand for: their own, and those missed just before.
CREATE TABLE stack_count (
	id INTEGER PRIMARY KEY,
	thread INTEGER NOT NULL,
	node INTEGER NOT NULL,
	quality INTEGER NOT NULL,
	state INTEGER NOT NULL,
	nr INTEGER NOT NULL,
	ticks INTEGER NOT NULL
) STRICT;

-- Looks at a thread by their quality, and how long it lived.
CREATE TABLE thread_count (
	thread INTEGER PRIMARY KEY,
	wall_ns INTEGER NOT NULL,
	complete INTEGER NOT NULL,
	salvaged INTEGER NOT NULL,
	inconsistent INTEGER NOT NULL,
	lost INTEGER NOT NULL,
	no_python INTEGER NOT NULL
) STRICT;

-- The wall time of a thread by state, the ticks of the complete samples in it,
-- and what each of those stands for. (Looks that gave no whole stack are made good for
-- by the others; time without Python is nobody's.)
CREATE TABLE thread_state (
	thread INTEGER NOT NULL,
	state INTEGER NOT NULL,
	wall_ns INTEGER NOT NULL,
	ticks INTEGER NOT NULL,
	tick_s REAL NOT NULL
) STRICT;

-- Ticks of complete samples only. function or frame is NULL where no Python
-- frame was on the stack. total counts recursion once.
CREATE TABLE function_count (
	thread INTEGER NOT NULL,
	state INTEGER NOT NULL,
	function INTEGER,
	self INTEGER NOT NULL,
	total INTEGER NOT NULL
) STRICT;

CREATE TABLE line_count (
	thread INTEGER NOT NULL,
	state INTEGER NOT NULL,
	frame INTEGER,
	self INTEGER NOT NULL,
	total INTEGER NOT NULL
) STRICT;

-- What the numbers of states and figures mean.
CREATE VIEW state (id, name, part_of) AS VALUES
	(0, 'unknown', 'other'), (1, 'on_cpu', 'on_cpu'),
	(2, 'collecting', 'on_cpu'), (3, 'run_queue', 'run_queue'),
	(4, 'gil_wait', 'gil_wait'), (5, 'lock', 'lock'), (6, 'disk', 'io'),
	(7, 'socket', 'io'), (8, 'pipe', 'io'), (9, 'poll', 'io'),
	(10, 'io_other', 'io'), (11, 'sleep', 'sleep'), (12, 'child', 'child'),
	(13, 'other', 'other'), (14, 'collecting_0', 'on_cpu'),
	(15, 'collecting_1', 'on_cpu'), (16, 'collecting_2', 'on_cpu');

CREATE VIEW await_kind (id, name) AS VALUES
	(0, 'unknown'), (1, 'running'), (2, 'ready'), (3, 'task'),
	(4, 'future'), (5, 'other');

CREATE VIEW figure (id, name) AS VALUES
	(0, 'user_ns'), (1, 'sys_ns'), (2, 'peak_memory_bytes'),
	(3, 'minor_faults'), (4, 'major_faults'), (5, 'voluntary_switches'),
	(6, 'involuntary_switches'), (7, 'read_bytes'), (8, 'written_bytes'),
	(9, 'disk_read_bytes'), (10, 'disk_written_bytes'),
	(11, 'collections_0'), (12, 'collections_1'), (13, 'collections_2'),
	(14, 'cycles'), (15, 'instructions'), (16, 'cache_references'),
	(17, 'cache_misses'), (18, 'branches'), (19, 'branch_misses'),
	(20, 'counted_ppm');

-- Seconds for people.
CREATE VIEW thread_time AS
SELECT
	c.thread, p.pid, t.tid, s.text AS name, t.main,
	c.wall_ns / 1e9 AS wall_s, t.cpu_ns / 1e9 AS cpu_s,
	c.complete, c.salvaged, c.inconsistent, c.lost, c.no_python
FROM thread_count c
JOIN thread t ON t.id = c.thread
JOIN process p ON p.id = t.process
LEFT JOIN string s ON s.id = t.name;

CREATE VIEW thread_state_time AS
SELECT
	c.thread, c.state AS state_id, s.name AS state, s.part_of,
	c.wall_ns / 1e9 AS wall_s, c.tick_s
FROM thread_state c
JOIN state s ON s.id = c.state;

CREATE VIEW native_time AS
SELECT
	n.thread, kind.text AS kind, module.text AS module,
	symbol.text AS symbol, n.nr AS samples,
	t.cpu_ns / 1e9 * n.nr / sum(n.nr) OVER (PARTITION BY n.thread) AS cpu_s
FROM native n
JOIN thread t ON t.id = n.thread
LEFT JOIN string kind ON kind.id = n.kind
LEFT JOIN string module ON module.id = n.module
LEFT JOIN string symbol ON symbol.id = n.symbol;

CREATE VIEW await_time AS
SELECT
	p.pid, k.name AS kind, file.text AS file, name.text AS function,
	r.line, sum(a.us) / 1e6 AS task_s
FROM await a
JOIN process p ON p.id = a.process
JOIN await_kind k ON k.id = a.kind
LEFT JOIN node n ON n.id = a.node
LEFT JOIN frame r ON r.id = n.frame
LEFT JOIN function f ON f.id = r.function
LEFT JOIN string name ON name.id = f.name
LEFT JOIN string file ON file.id = f.file
GROUP BY p.pid, k.id, file.text, name.text, r.line;

CREATE VIEW process_time AS
SELECT
	p.id, p.pid, parent.pid AS parent, command.text AS command,
	python.text AS python, ended.text AS "end",
	(p.end_ns - p.start_ns) / 1e9 AS wall_s,
	(SELECT sum(t.cpu_ns) / 1e9 FROM thread t WHERE t.process = p.id)
		AS cpu_s,
	trouble.text AS trouble
FROM process p
LEFT JOIN process parent ON parent.id = p.parent
LEFT JOIN string command ON command.id = p.command
LEFT JOIN string python ON python.id = p.python
LEFT JOIN string ended ON ended.id = p."end"
LEFT JOIN string trouble ON trouble.id = p.trouble;

CREATE VIEW thread_state_function_time AS
SELECT
	c.thread, t.state, file.text AS file,
	coalesce(name.text, '(no Python frame)') AS function, f.line,
	c.self * t.tick_s AS self_s, c.total * t.tick_s AS total_s
FROM function_count c
JOIN thread_state_time t ON t.thread = c.thread AND t.state_id = c.state
LEFT JOIN function f ON f.id = c.function
LEFT JOIN string name ON name.id = f.name
LEFT JOIN string file ON file.id = f.file;

CREATE VIEW thread_state_line_time AS
SELECT
	c.thread, t.state, file.text AS file,
	coalesce(name.text, '(no Python frame)') AS function, r.line,
	c.self * t.tick_s AS self_s, c.total * t.tick_s AS total_s
FROM line_count c
JOIN thread_state_time t ON t.thread = c.thread AND t.state_id = c.state
LEFT JOIN frame r ON r.id = c.frame
LEFT JOIN function f ON f.id = r.function
LEFT JOIN string name ON name.id = f.name
LEFT JOIN string file ON file.id = f.file;

CREATE VIEW thread_function_time AS
SELECT
	thread, file, function, line, sum(self_s) AS self_s,
	sum(total_s) AS total_s
FROM thread_state_function_time
GROUP BY thread, file, function, line;

CREATE VIEW thread_line_time AS
SELECT
	thread, file, function, line, sum(self_s) AS self_s,
	sum(total_s) AS total_s
FROM thread_state_line_time
GROUP BY thread, file, function, line;

CREATE VIEW function_time AS
SELECT file, function, line, sum(self_s) AS self_s, sum(total_s) AS total_s
FROM thread_function_time
GROUP BY file, function, line;

CREATE VIEW line_time AS
SELECT file, function, line, sum(self_s) AS self_s, sum(total_s) AS total_s
FROM thread_line_time
GROUP BY file, function, line;
