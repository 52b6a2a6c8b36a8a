/* SPDX-License-Identifier: MIT */
#include "sample/look.h"

#include "base/random.h"
#include "os/clock.h"

/*
 * A thread that calls and returns all the time has another stack at the end
 * of a reading (some 2 us) than at its beginning. Reading again until one
 * holds would prefer quiet moments and falsify the profile. So there are two
 * ways to look, and the choice depends on what the program was like, not on
 * the moment:
 *
 * - apart: from any CPU. Costs the target nothing but is right only where
 *   stacks mostly stand still.
 * - beside: from the CPU of the thread that moves, which therefore does not
 *   run while we read (place.h).
 *
 * We begin beside. A look is tried apart first, and taken beside whatever that
 * gave: two readings that agree by chance are rare, but among stacks that never
 * hold still such would be all that is believed (0.02 to 0.5 % of the stacks of
 * html.parser). When calm_needed such probes held in a row we stay apart until
 * more than 1 in CALM_FIRST looks fails, and then ask for twice as many. After
 * a probe that failed, the next one comes in PROBE_FIRST looks or so, then in
 * twice as many, as each costs a move to another CPU and back. A look that
 * failed apart is repeated beside at once, so nothing is lost; only those few
 * are drawn from a slightly later moment. (One failure was enough to go beside
 * before: a loop that calls something now and then, and fails once in a
 * thousand looks, was looked at from beside half of the time, and slowed down
 * by 2 %.)
 */
#define PROBE_FIRST 8
#define PROBE_MAX 64
#define CALM_FIRST 128
#define CALM_MAX 1024
#define CREDIT_MAX 3

/*
 * Above this rate the looks themselves would take the target's CPU away: one
 * takes some 15 to 20 us of it, so here a third. Stacks that do not hold still
 * are then salvaged or lost, and counted.
 */
#define BESIDE_MAX_HZ 20000.0

/*
 * What reading costs, measured on a small virtual machine: so much at all, for
 * each piece, and for each KiB. Other machines have another pace, which is
 * learnt; a reading of more than twice its time and SLOW_NS was interrupted.
 */
#define READ_NS 1700.0
#define READ_PIECE_NS 350.0
#define READ_KIB_NS 25.0
#define SLOW_NS 3000.0
#define SLOW_FACTOR 2.0
#define PACE_RISE 1.0005
#define SLOW_TRIES 2

/*
 * How often the head of the list of threads is read along. It tells at once
 * of one that came or went, and is a piece more.
 */
#define NEWEST_NS 500000u

/*
 * Rounds of reading for one look. One is the rule; each frame outside of the
 * data stack that is new costs one, moving to another CPU one or two.
 */
#define ROUNDS_MAX 16
#define ROUNDS_APART 4

bool look_leaves_time(double rate_hz)
{
	return rate_hz <= BESIDE_MAX_HZ;
}

void look_init(struct look *k, struct py_process *p, struct roster *roster,
	       struct names *names, double rate_hz, uint64_t seed)
{
	k->process = p;
	k->roster = roster;
	k->names = names;
	gil_find(&k->gil, p);
	k->random = seed | 1;
	k->rounds_max = look_leaves_time(rate_hz) ? ROUNDS_MAX : ROUNDS_APART;
	k->policy.may_be_beside = look_leaves_time(rate_hz);
	k->policy.beside = true;
	k->policy.follow = target_pid(p->target);
	k->policy.calm_needed = CALM_FIRST;
	k->policy.probe_every = PROBE_FIRST;
	place_init(&k->policy.place);
}

void look_release(struct look *k)
{
	place_apart(&k->policy.place);
	vec_release(&k->counts);
}

static void record(struct roster_thread *t, uint32_t node,
		   enum sample_quality quality)
{
	t->seen = true;
	t->changed = !t->has_node || node != t->node;
	t->quality = quality;
	t->pending = false;
	t->has_node = quality == SAMPLE_COMPLETE;
	t->node = node;
}

/* A whole stack becomes a sample, unless one of its frames is none. */
static int accept(struct look *k, struct roster_thread *t, uint64_t now_ns,
		  struct err *err)
{
	const struct py_frame *frames;
	uint32_t nr, stable, node;
	int rc;

	frames = py_reader_frames(t->reader, &nr, &stable);
	rc = names_node(k->names, &t->memory, frames, nr, now_ns, &node, err);
	if (!rc) {
		record(t, node, SAMPLE_COMPLETE);
		t->read_ns = k->read_ns;
		roster_ask_name(k->roster, t);
	} else if (rc == ERR_CORRUPT)
		t->moved = true;
	return rc == ERR_CORRUPT ? ERR_OK : rc;
}

/* What remains of a thread that would not hold still: its root side. */
static int salvage(struct look *k, struct roster_thread *t, uint64_t now_ns,
		   struct err *err)
{
	const struct py_frame *frames;
	uint32_t nr, stable, node;
	int rc;

	frames = py_reader_frames(t->reader, &nr, &stable);
	rc = names_node(k->names, &t->memory, frames + (nr - stable), stable,
			now_ns, &node, err);
	if (rc && rc != ERR_CORRUPT)
		return rc;
	record(t, node, node ? SAMPLE_SALVAGED : SAMPLE_LOST);
	return ERR_OK;
}

static int judge(struct look *k, struct roster_thread *t, unsigned done,
		 uint64_t now_ns, struct err *err)
{
	enum py_look look;
	int rc = py_stack_judge(t->reader, done, &look, err);

	if (rc == ERR_GONE && !done) {
		t->pending = false;
		k->list_changed = true;
		return ERR_OK;
	}
	if (rc)
		return rc;
	/* The C library writes over the links of a thread state that was
	 * given back, and those of its neighbours change before; or it is
	 * another thread's by now. */
	if (!py_reader_is(t->reader, &t->raw, t->next_addr)) {
		k->list_changed = true;
		return ERR_OK;
	}
	/* Seen from apart, one that is not where it was has moved, too: later
	 * we would miss what it went off to do for a moment. */
	t->moved = look == PY_LOOK_MOVED ||
		   (look == PY_LOOK_AGAIN && t->has_node &&
		    !place_is_held(&k->policy.place));
	return look == PY_LOOK_WHOLE && !k->was_slow && !k->probing
		       ? accept(k, t, now_ns, err)
		       : ERR_OK;
}

/* Plan as many pending threads from `from` on as fit into one read. */
static uint32_t plan_batch(struct look *k, uint32_t from, unsigned *pieces_nr)
{
	struct roster *r = k->roster;
	uint32_t i;

	k->counts.nr = 0;
	for (i = from; i < r->threads.nr; i++) {
		unsigned nr = 0;

		if (r->threads.at[i]->pending) {
			nr = py_stack_plan(r->threads.at[i]->reader,
					   k->pieces + *pieces_nr,
					   TARGET_PIECES_MAX - *pieces_nr);
			if (!nr)
				break;
		}
		if (!vec_push(&k->counts, nr))
			break;
		*pieces_nr += nr;
	}
	return i;
}

static int judge_batch(struct look *k, uint32_t from, unsigned done,
		       uint64_t now_ns, struct err *err)
{
	bool broken = false;
	int rc = ERR_OK;

	for (uint32_t i = 0; i < k->counts.nr && !rc && !broken; i++) {
		unsigned nr = k->counts.at[i];
		unsigned got = done < nr ? done : nr;

		if (!nr)
			continue;
		rc = judge(k, k->roster->threads.at[from + i], got, now_ns,
			   err);
		/* The pieces after one that is not mapped were not read. */
		broken = got < nr;
		done -= got;
	}
	return rc;
}

/* ---- threads that cannot have moved ------------------------------------- */

/* Two threads are read as quickly as the lock is. */
#define PARK_MIN 3

/*
 * Every so often all threads are read, whatever the lock tells, so that a
 * mistake about it could not last.
 */
#define FULL_EVERY 64

static void park(struct look *k)
{
	struct roster *r = k->roster;

	k->gil.seen = false;
	k->gil_planned =
		(r->threads.nr >= PARK_MIN || k->gil_always) && k->gil.addr;
	if (!k->gil_planned)
		return;
	if (!k->gil.known || k->full_in-- == 0) {
		k->full_in = FULL_EVERY;
		return;
	}
	for (uint32_t i = 0; i < r->threads.nr; i++) {
		struct roster_thread *t = r->threads.at[i];

		t->parked = t->has_node && t->raw.addr != k->gil.holder;
		t->pending = !t->parked;
	}
}

/* Costs two thirds of what reading its stack does. */
static bool has_slept(const struct look *k, const struct roster_thread *t)
{
	struct task *task =
		t->tid ? tasks_find(k->roster->tasks, t->tid) : NULL;

	return task && task_has_slept(task, t->read_ns);
}

static bool may_have_moved(const struct look *k, const struct roster_thread *t,
			   enum gil_news news)
{
	if (t->raw.addr == k->gil.holder && news != GIL_SAME)
		return true;
	return news == GIL_UNKNOWN && !has_slept(k, t);
}

/* The lock was read: who of the parked has to be looked at after all? */
static void unpark(struct look *k, bool read)
{
	enum gil_news news = gil_judge(&k->gil, read);

	for (uint32_t i = 0; i < k->roster->threads.nr; i++) {
		struct roster_thread *t = k->roster->threads.at[i];

		if (!t->parked)
			continue;
		t->parked = false;
		if (may_have_moved(k, t, news))
			t->pending = true;
		else
			record(t, t->node, SAMPLE_COMPLETE);
	}
}

/* ---- reading ------------------------------------------------------------ */

/*
 * A thread came or went: bring the list up to date before anybody who is no
 * longer there is counted. When the list does not hold still, the next round
 * tries again.
 */
static void take_changes(struct look *k, uint64_t now_ns)
{
	struct err ignored;

	k->roster->all_begun = false;
	if (!roster_refresh(k->roster, now_ns, &ignored)) {
		k->list_changed = false;
		k->gil.known = false;
	}
}

/* Pieces at the head of a batch: that of the list, and that of the lock. */
static unsigned plan_extras(struct look *k, uint64_t now_ns)
{
	unsigned nr = 0;

	k->newest_planned =
		!k->roster->threads.nr || now_ns - k->newest_ns >= NEWEST_NS;
	if (k->newest_planned) {
		k->newest_ns = now_ns;
		k->pieces[nr].addr = roster_head_addr(k->roster);
		k->pieces[nr].to = &k->newest;
		k->pieces[nr++].size = sizeof(k->newest);
	}
	if (k->gil_planned)
		gil_plan(&k->gil, &k->process->layout, &k->pieces[nr++]);
	k->collector_planned = false;
	/* At full speed it is read now and then, and believed in between. */
	if (!k->has_collector ||
	    (!k->newest_planned && !k->policy.may_be_beside))
		return nr;
	k->collector_planned = true;
	k->collector_piece = nr;
	py_collector_plan(&k->collector, &k->pieces[nr++]);
	if (k->collector_gil) {
		k->pieces[nr].addr =
			k->collector_gil + k->process->layout.gil_last_holder;
		k->pieces[nr].to = &k->holder;
		k->pieces[nr++].size = sizeof(k->holder);
	}
	return nr;
}

void look_find_collector(struct look *k, uint64_t interp)
{
	struct err ignored;

	k->has_collector =
		!py_collector_open(&k->collector, k->process, interp, &ignored);
	k->collector_gil =
		k->has_collector ? gil_addr_of(k->process, interp) : 0;
	k->collecting = PY_COLLECTING_NO;
}

/*
 * Before 3.12 a thread that goes from one interpreter to another goes on under
 * the name of the state with which it has got the GIL.
 */
static bool holds_gil(const struct look *k, const struct roster_thread *t)
{
	const struct roster *r = k->roster;
	uint32_t index;

	if (t->raw.addr == k->holder)
		return true;
	if (r->list.interp.nr < 2 || !t->tid)
		return false;
	index = map_get(&r->by_addr, k->holder);
	return index < r->threads.nr && r->threads.at[index]->tid == t->tid;
}

/* It runs in the thread that holds the GIL, whoever else is on a CPU. */
enum py_collecting look_collecting(const struct look *k,
				   const struct roster_thread *t)
{
	return holds_gil(k, t) ? k->collecting : PY_COLLECTING_NO;
}

static double expected_ns(const struct look *k, unsigned pieces_nr)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < pieces_nr; i++)
		size += k->pieces[i].size;
	return READ_NS + READ_PIECE_NS * pieces_nr +
	       READ_KIB_NS / 1024 * (double)size;
}

/*
 * A reading during which we lost the CPU is of two moments, and both ends of
 * it may look alike by chance. The pace is the least that was seen, and rises
 * slowly, so that it follows a machine that got slower.
 */
static int read_timed(struct look *k, unsigned pieces_nr, unsigned *done,
		      struct err *err)
{
	double expected = expected_ns(k, pieces_nr), took;
	int rc;

	k->read_ns = clock_now_ns();
	rc = target_readv(k->process->target, k->pieces, pieces_nr, done, err);
	took = (double)(clock_now_ns() - k->read_ns);
	if (k->pace == 0 || took < k->pace * expected)
		k->pace = took / expected;
	else
		k->pace *= PACE_RISE;
	/* Slow time after time is not an interruption but large stacks, or a
	 * machine that is slow now. */
	k->was_slow = took > SLOW_FACTOR * k->pace * expected + SLOW_NS &&
		      k->slow_nr < SLOW_TRIES;
	k->slow_nr = k->was_slow ? k->slow_nr + 1 : 0;
	return rc;
}

static int read_batch(struct look *k, uint32_t from, uint32_t *to,
		      uint64_t now_ns, struct err *err)
{
	unsigned extras = plan_extras(k, now_ns), pieces_nr = extras, done;
	int rc;

	*to = plan_batch(k, from, &pieces_nr);
	if (*to == from && from < k->roster->threads.nr)
		return err_nomem(err);
	rc = read_timed(k, pieces_nr, &done, err);
	if (rc)
		return rc;
	if (k->newest_planned &&
	    (!done || k->newest != roster_newest(k->roster)))
		k->list_changed = true;
	if (k->collector_planned)
		k->collecting = py_collector_judge(&k->collector,
						   done > k->collector_piece);
	rc = judge_batch(k, from, done > extras ? done - extras : 0, now_ns,
			 err);
	if (k->gil_planned) {
		k->gil_planned = false;
		unpark(k, done >= extras);
	}
	return rc;
}

/* Read all pending threads once. */
static int read_pending(struct look *k, uint64_t now_ns, struct err *err)
{
	uint32_t from = 0;
	int rc;

	do
		rc = read_batch(k, from, &from, now_ns, err);
	while (!rc && from < k->roster->threads.nr);
	if (!rc && k->list_changed)
		take_changes(k, now_ns);
	return rc;
}

static struct roster_thread *first_pending(struct look *k, bool moved)
{
	for (uint32_t i = 0; i < k->roster->threads.nr; i++) {
		struct roster_thread *t = k->roster->threads.at[i];

		if (t->pending && (t->moved || !moved))
			return t;
	}
	return NULL;
}

static void go_beside(struct look *k)
{
	if (!k->policy.may_be_beside)
		return;
	place_beside(&k->policy.place, target_pid(k->process->target),
		     k->policy.follow);
}

/* To the CPU where the moving thread was; if it is not there any more, the
 * readings will tell. */
static void go_back(struct look *k)
{
	if (k->policy.may_be_beside && !place_back(&k->policy.place))
		go_beside(k);
}

static void note_failure_apart(struct look_policy *p)
{
	p->calm = 0;
	if (!p->beside && p->credit) {
		p->credit--;
		return;
	}
	if (p->beside && p->probe_every < PROBE_MAX)
		p->probe_every *= 2;
	if (!p->beside && p->calm_needed < CALM_MAX)
		p->calm_needed *= 2;
	p->beside = true;
	p->credit = 0;
}

static void note_success_apart(struct look_policy *p)
{
	p->calm++;
	if (p->calm % CALM_FIRST == 0 && p->credit < CREDIT_MAX)
		p->credit++;
	if (p->calm < p->calm_needed)
		return;
	p->beside = false;
	p->probe_every = PROBE_FIRST;
}

/* Where the next look is taken from. */
static void choose_place(struct look *k)
{
	bool probe_next = !k->policy.stay &&
			  (k->policy.calm ||
			   random_next(&k->random) * k->policy.probe_every < 1);

	if (!k->policy.beside || probe_next)
		place_apart(&k->policy.place);
	else if (!place_is_held(&k->policy.place))
		go_back(k);
}

static void begin(struct look *k)
{
	for (uint32_t i = 0; i < k->roster->threads.nr; i++) {
		k->roster->threads.at[i]->seen = false;
		k->roster->threads.at[i]->pending = true;
		k->roster->threads.at[i]->parked = false;
		k->roster->threads.at[i]->moved = false;
	}
	park(k);
}

/* Read once from apart, to learn whether the stacks hold still. */
static int probe(struct look *k, uint64_t now_ns, struct err *err)
{
	pid_t before = k->policy.follow;
	struct roster_thread *moved;
	int rc;

	k->probing = true;
	rc = read_pending(k, now_ns, err);
	k->probing = false;
	moved = first_pending(k, true);
	if (moved)
		note_failure_apart(&k->policy);
	else if (!rc)
		note_success_apart(&k->policy);
	if (moved && moved->tid)
		k->policy.follow = moved->tid;
	if (k->policy.follow == before)
		go_back(k);
	else
		go_beside(k);
	return rc;
}

/* Read until no thread is pending, or nothing helps. */
static int read_rounds(struct look *k, uint64_t now_ns, struct err *err)
{
	bool apart = !place_is_held(&k->policy.place);
	struct roster_thread *t;
	int rc = ERR_OK;

	for (uint32_t round = 0; round < k->rounds_max && !rc; round++) {
		rc = read_pending(k, now_ns, err);
		if (rc || !first_pending(k, false))
			break;
		t = first_pending(k, true);
		/* One that is still unknown after learning may be running
		 * away from us. */
		if (!t && round % 2 == 1)
			t = first_pending(k, false);
		if (!t)
			continue;
		if (apart)
			note_failure_apart(&k->policy);
		apart = false;
		if (t->tid)
			k->policy.follow = t->tid;
		go_beside(k);
	}
	if (!rc && apart && !k->policy.beside)
		note_success_apart(&k->policy);
	return rc;
}

int look_at_all(struct look *k, uint64_t now_ns, struct err *err)
{
	struct roster_thread *t;
	int rc = ERR_OK;

	begin(k);
	if (!place_is_held(&k->policy.place) &&
	    (k->policy.stay || k->policy.place.cpu >= 0))
		go_back(k);
	if (k->policy.beside && !place_is_held(&k->policy.place) &&
	    k->policy.may_be_beside)
		rc = probe(k, now_ns, err);
	if (!rc)
		rc = read_rounds(k, now_ns, err);
	while (!rc && (t = first_pending(k, false)))
		rc = salvage(k, t, now_ns, err);
	choose_place(k);
	return rc;
}

int look_at_one(struct look *k, struct roster_thread *t, bool *whole,
		struct err *err)
{
	enum py_look look = PY_LOOK_AGAIN;

	*whole = false;
	for (uint32_t round = 0; look == PY_LOOK_AGAIN && round < k->rounds_max;
	     round++) {
		unsigned done, nr = py_stack_plan(t->reader, k->pieces,
						  TARGET_PIECES_MAX);
		int rc;

		if (!nr)
			return err_nomem(err);
		rc = target_readv(k->process->target, k->pieces, nr, &done,
				  err);
		if (!rc)
			rc = py_stack_judge(t->reader, done, &look, err);
		if (rc)
			return rc;
		if (!py_reader_is(t->reader, &t->raw, t->next_addr)) {
			k->list_changed = true;
			return ERR_OK;
		}
	}
	*whole = look == PY_LOOK_WHOLE;
	return ERR_OK;
}

void look_rejoin(struct look *k)
{
	if (k->policy.stay)
		go_beside(k);
}

void look_beside(struct look *k, pid_t tid)
{
	k->policy.follow = tid;
	go_beside(k);
}
