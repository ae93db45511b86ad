/* SPDX-License-Identifier: Apache-2.0 */
/* See gaps.h. The tree is a treap, as in planner.c. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/gaps.h"

#define WANTS_MAX	32	/* kinds of want at a time */
#define WANT_STAYS	10000	/* that many questions since the last about it */
#define CHANGES_MIN	65536	/* that many changes are listed, or */
#define CHANGES		4	/* times the nodes */

struct gap {
	int64_t start, end;
	int64_t longest, last;	/* of the subtree: length, and end */
	uint32_t left, right;	/* 0: none */
	uint32_t node;
};

/* Those of a node, in order. */
struct node_gaps {
	uint32_t *gap;
	uint32_t count, size;
};

struct gaps {
	struct gaps_store *store;
	struct gaps_want want;
	uint64_t asked;		/* the oldest makes room for another */
	uint64_t seen;		/* changes of the graph */
	struct gap *gap;	/* the first is not used */
	uint32_t count, size;
	uint32_t unused;	/* list, by left */
	uint32_t root;
	struct node_gaps *nodes;
};

struct active {
	int64_t end;
	uint32_t node;
};

struct span {
	int64_t start, end;
};

struct gaps_store {
	struct graph *g;
	uint32_t nodes;
	struct gaps *kinds[WANTS_MAX];
	uint64_t asked;
	struct active *heap;	/* of a search; room for each node */
	struct span *spans;	/* of a node */
	uint32_t span_count, span_size;
};

/* ---- the tree: by start, then index ---- */

static inline uint32_t priority(uint32_t i)
{
	i *= 0x9e3779b1u;
	i ^= i >> 15;
	return i * 0x85ebca77u;
}

static inline int64_t length(const struct gap *g)
{
	return g->end == PLANNER_FOREVER ? g->end : g->end - g->start;
}

static inline bool is_before(const struct gaps *k, uint32_t a, uint32_t b)
{
	return k->gap[a].start != k->gap[b].start ?
	       k->gap[a].start < k->gap[b].start : a < b;
}

static void pull(struct gaps *k, uint32_t i)
{
	struct gap *g = &k->gap[i];
	uint32_t child[2] = { g->left, g->right };

	g->longest = length(g);
	g->last = g->end;
	for (int c = 0; c < 2; c++) {
		const struct gap *below = &k->gap[child[c]];

		if (!child[c])
			continue;
		if (below->longest > g->longest)
			g->longest = below->longest;
		if (below->last > g->last)
			g->last = below->last;
	}
}

/* Those before NEW to *L, the others to *R. */
static void split(struct gaps *k, uint32_t i, uint32_t new, uint32_t *l,
		  uint32_t *r)
{
	if (!i) {
		*l = *r = 0;
		return;
	}
	if (is_before(k, i, new)) {
		*l = i;
		split(k, k->gap[i].right, new, &k->gap[i].right, r);
	} else {
		*r = i;
		split(k, k->gap[i].left, new, l, &k->gap[i].left);
	}
	pull(k, i);
}

static uint32_t merge(struct gaps *k, uint32_t l, uint32_t r)
{
	if (!l || !r)
		return l ? l : r;
	if (priority(l) > priority(r)) {
		k->gap[l].right = merge(k, k->gap[l].right, r);
		pull(k, l);
		return l;
	}
	k->gap[r].left = merge(k, l, k->gap[r].left);
	pull(k, r);
	return r;
}

static uint32_t insert(struct gaps *k, uint32_t i, uint32_t new)
{
	if (i && priority(i) >= priority(new)) {
		if (is_before(k, new, i))
			k->gap[i].left = insert(k, k->gap[i].left, new);
		else
			k->gap[i].right = insert(k, k->gap[i].right, new);
		pull(k, i);
		return i;
	}
	split(k, i, new, &k->gap[new].left, &k->gap[new].right);
	pull(k, new);
	return new;
}

static uint32_t take_out(struct gaps *k, uint32_t i, uint32_t old)
{
	assert(i);
	if (i == old)
		return merge(k, k->gap[i].left, k->gap[i].right);
	if (is_before(k, old, i))
		k->gap[i].left = take_out(k, k->gap[i].left, old);
	else
		k->gap[i].right = take_out(k, k->gap[i].right, old);
	pull(k, i);
	return i;
}

/* ---- the gaps of a node ---- */

static int make_room(struct gaps *k)
{
	uint32_t size = k->size ? k->size * 2 : k->store->nodes + 64;
	struct gap *gap;

	if (k->unused || k->count < k->size)
		return 0;
	gap = reallocarray(k->gap, size, sizeof(*gap));
	if (!gap)
		return -1;
	k->gap = gap;
	k->size = size;
	return 0;
}

/* The gap number I of NODE goes; it stays in the node's list. */
static void drop(struct gaps *k, uint32_t node, uint32_t i)
{
	uint32_t old = k->nodes[node].gap[i];

	k->root = take_out(k, k->root, old);
	k->gap[old].left = k->unused;
	k->unused = old;
}

/* A new one becomes number I; there is room. */
static void put(struct gaps *k, uint32_t node, uint32_t at,
		const struct span *span)
{
	uint32_t i = k->unused;

	if (i)
		k->unused = k->gap[i].left;
	else
		i = k->count++;
	k->gap[i] = (struct gap) { .start = span->start, .end = span->end,
				   .node = node };
	k->root = insert(k, k->root, i);
	k->nodes[node].gap[at] = i;
}

/* The first gap of the node that ends at TIME or later. */
static uint32_t find(const struct gaps *k, const struct node_gaps *n,
		     int64_t time)
{
	uint32_t lo = 0, hi = n->count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (k->gap[n->gap[mid]].end < time)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct reading {
	struct gaps_store *s;
	int64_t limit[PLANNER_KINDS_MAX];
	int64_t open;		/* a gap has begun; or -1 */
	bool failed;
};

static void end_gap(struct reading *r, int64_t end)
{
	struct gaps_store *s = r->s;

	if (r->open >= 0 && end > r->open) {
		if (s->span_count == s->span_size) {
			uint32_t size = s->span_size ? s->span_size * 2 : 64;
			struct span *spans = reallocarray(s->spans, size,
							  sizeof(*spans));

			if (!spans) {
				r->failed = true;
				return;
			}
			s->spans = spans;
			s->span_size = size;
		}
		s->spans[s->span_count++] = (struct span) { r->open, end };
	}
	r->open = -1;
}

static void on_point(void *arg, int64_t time, const int64_t *used)
{
	struct reading *r = arg;
	bool fits = true;

	for (unsigned k = 0; k <= r->s->g->tracked && fits; k++)
		fits = used[k] <= r->limit[k];
	if (!fits)
		end_gap(r, time);
	else if (r->open < 0)
		r->open = time;
}

static bool limits_of(const struct gaps *k, const struct vertex *v,
		      int64_t *limit)
{
	const struct graph *g = k->store->g;

	limit[0] = k->want.alone ? 0 : INT64_MAX;
	for (unsigned i = 0; i < g->tracked; i++) {
		limit[1 + i] = graph_totals(g, v->group)[i] - k->want.need[i];
		if (limit[1 + i] < 0)
			return false;
	}
	return true;
}

/* Those from number FROM to before number TO become the spans. */
static int replace(struct gaps *k, uint32_t node, uint32_t from, uint32_t to)
{
	uint32_t new = k->store->span_count;
	struct node_gaps *n = &k->nodes[node];
	uint32_t rest = n->count - to, size = from + new + rest;

	for (uint32_t i = from; i < to; i++)
		drop(k, node, i);
	if (size > n->size) {
		uint32_t *gap = reallocarray(n->gap, size + size / 2 + 2,
					     sizeof(*gap));

		if (!gap) {
			/* as if they were not free: the node is read again */
			memmove(n->gap + from, n->gap + to,
				rest * sizeof(*n->gap));
			n->count = from + rest;
			return -1;
		}
		n->gap = gap;
		n->size = size + size / 2 + 2;
	}
	memmove(n->gap + from + new, n->gap + to, rest * sizeof(*n->gap));
	n->count = from + rest;
	for (uint32_t i = 0; i < new; i++) {
		if (make_room(k) < 0) {
			memmove(n->gap + from + i, n->gap + from + new,
				rest * sizeof(*n->gap));
			return -1;
		}
		put(k, node, from + i, &k->store->spans[i]);
		n->count++;
	}
	return 0;
}

/* What NODE has free changed from START until before END: gaps that reach
 * there are made anew. */
static int renew(struct gaps *k, uint32_t node, int64_t start, int64_t end)
{
	const struct graph *g = k->store->g;
	const struct vertex *v = &g->vertices[g->by_type[
		g->types[g->node_type].first + node]];
	const struct node_gaps *n = &k->nodes[node];
	struct reading r = { .s = k->store, .open = -1 };
	uint32_t from = find(k, n, start), to = from;
	int64_t rest = end;

	k->store->span_count = 0;
	if (!limits_of(k, v, r.limit))
		return 0;
	while (to < n->count && k->gap[n->gap[to]].start <= end)
		to++;
	if (from < to && k->gap[n->gap[from]].start < start)
		r.open = k->gap[n->gap[from]].start;
	if (from < to && k->gap[n->gap[to - 1]].end > end)
		rest = k->gap[n->gap[to - 1]].end;
	planner_each(g->group_pool, v->planner, start, end, on_point, &r);
	if (rest > end && r.open < 0)
		r.open = end;
	end_gap(&r, rest);
	if (r.failed)
		return -1;
	if (to - from == k->store->span_count) {
		uint32_t i = from;

		while (i < to && k->gap[n->gap[i]].start ==
		       k->store->spans[i - from].start &&
		       k->gap[n->gap[i]].end ==
		       k->store->spans[i - from].end)
			i++;
		if (i == to)
			return 0;
	}
	return replace(k, node, from, to);
}

/* ---- kinds of want ---- */

static void gaps_free(struct gaps *k)
{
	if (k) {
		for (uint32_t i = 0; k->nodes && i < k->store->nodes; i++)
			free(k->nodes[i].gap);
		free(k->nodes);
		free(k->gap);
	}
	free(k);
}

static struct gaps *gaps_new(struct gaps_store *s,
			     const struct gaps_want *want)
{
	struct gaps *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	*k = (struct gaps) { .store = s, .want = *want, .count = 1 };
	k->nodes = calloc(s->nodes, sizeof(*k->nodes));
	if (k->nodes)
		return k;
	free(k);
	return NULL;
}

static int catch_up(struct gaps *k)
{
	const struct graph *g = k->store->g;
	uint64_t end = g->changed_first + g->changed_count;

	/* what has been lost may be anything */
	for (uint32_t i = 0; k->seen < g->changed_first &&
	     i < k->store->nodes; i++)
		if (renew(k, i, 0, PLANNER_FOREVER) < 0)
			return -1;
	if (k->seen < g->changed_first)
		k->seen = end;
	for (; k->seen < end; k->seen++) {
		const struct node_change *c =
			&g->changed[k->seen - g->changed_first];
		const struct node_change *last = &g->changed[
			g->changed_last[c->node]];

		/* what is seen then need not be seen now */
		if (last > c && last < g->changed + g->changed_count &&
		    last->node == c->node && last->start <= c->start &&
		    last->end >= c->end)
			continue;
		if (renew(k, c->node, c->start, c->end) < 0)
			return -1;
	}
	return 0;
}

struct gaps *gaps_get(struct gaps_store *s, const struct gaps_want *want)
{
	unsigned oldest = 0, i = 0;
	struct gaps *k;

	for (; i < WANTS_MAX && (k = s->kinds[i]); i++) {
		if (!memcmp(&k->want, want, sizeof(*want)))
			break;
		if (k->asked < s->kinds[oldest]->asked)
			oldest = i;
	}
	if (i == WANTS_MAX) {
		i = oldest;
		if (s->asked - s->kinds[i]->asked < WANT_STAYS) {
			errno = 0;
			return NULL;
		}
		gaps_free(s->kinds[i]);
		/* the last takes its place: there are none between */
		s->kinds[i] = s->kinds[WANTS_MAX - 1];
		i = WANTS_MAX - 1;
		s->kinds[i] = NULL;
	}
	if (!s->kinds[i])
		s->kinds[i] = gaps_new(s, want);
	k = s->kinds[i];
	if (!k || catch_up(k) < 0) {
		/* what is half made is made anew */
		if (k)
			k->seen = 0;
		errno = ENOMEM;
		return NULL;
	}
	k->asked = ++s->asked;
	return k;
}

struct gaps_store *gaps_create(struct graph *g)
{
	struct gaps_store *s = calloc(1, sizeof(*s));
	size_t size;

	if (!s)
		return NULL;
	s->g = g;
	s->nodes = g->types[g->node_type].count;
	s->heap = calloc(s->nodes, sizeof(*s->heap));
	size = (size_t)s->nodes * CHANGES;
	if (size < CHANGES_MIN)
		size = CHANGES_MIN;
	if (!g->changed) {
		g->changed = calloc(size, sizeof(*g->changed));
		g->changed_last = calloc(s->nodes, sizeof(*g->changed_last));
		g->changed_size = (uint32_t)size;
		/* those that have seen nothing have lost what was before */
		g->changed_first = 1;
	}
	if (s->heap && g->changed && g->changed_last)
		return s;
	free(g->changed);
	free(g->changed_last);
	g->changed = NULL;
	g->changed_last = NULL;
	gaps_destroy(s);
	errno = ENOMEM;
	return NULL;
}

void gaps_destroy(struct gaps_store *s)
{
	int saved = errno;

	if (s) {
		for (unsigned i = 0; i < WANTS_MAX; i++)
			gaps_free(s->kinds[i]);
		free(s->heap);
		free(s->spans);
		free(s);
	}
	errno = saved;
}

/* ---- searching ---- */

struct sweep {
	const struct gaps *k;
	const struct gaps_query *q;
	int64_t from;		/* the first time that is of interest */
	int64_t found;		/* or PLANNER_FOREVER */
	struct active *heap;	/* gaps that are open, the first to end on
				   top */
	int64_t count;
	uint32_t extras;	/* open from then on */
	uint64_t *may;
};

static void push(struct sweep *s, int64_t end, uint32_t node)
{
	int64_t i = s->count++, up;

	assert(s->count <= s->k->store->nodes);
	for (; i && s->heap[up = (i - 1) / 2].end > end; i = up)
		s->heap[i] = s->heap[up];
	s->heap[i] = (struct active) { end, node };
}

static void pop(struct sweep *s)
{
	struct active last = s->heap[--s->count];
	int64_t i = 0, child;

	while ((child = 2 * i + 1) < s->count) {
		child += child + 1 < s->count &&
			 s->heap[child + 1].end < s->heap[child].end;
		if (last.end <= s->heap[child].end)
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = last;
}

/* At TIME something opens: gaps that are over too soon then are closed, and
 * there may be enough. */
static bool enough(struct sweep *s, int64_t time)
{
	while (s->count && s->heap[0].end - s->q->duration < time)
		pop(s);
	if (s->count + s->extras < s->q->count)
		return false;
	s->found = s->from = time;
	return true;
}

/* Extra ones that are free before TIME. */
static bool open_extras(struct sweep *s, int64_t time)
{
	while (s->extras < s->q->extras && s->q->extra[s->extras] < time) {
		int64_t at = s->q->extra[s->extras++];

		if (enough(s, at > s->from ? at : s->from))
			return true;
	}
	return false;
}

static inline void set_bit(uint64_t *may, uint32_t node)
{
	may[node / 64] |= 1ull << node % 64;
}

/* A gap that is long enough, and not over too soon; false: no more. */
static bool open_gap(struct sweep *s, const struct gap *g)
{
	if (s->found != PLANNER_FOREVER) {
		if (g->start > s->found)
			return false;
		if (s->q->passes(s->q->arg, g->node))
			set_bit(s->may, g->node);
		return true;
	}
	if (g->start >= s->q->before || open_extras(s, g->start))
		return false;
	if (!s->q->passes(s->q->arg, g->node))
		return true;
	while (s->count && s->heap[0].end - s->q->duration < g->start)
		pop(s);
	push(s, g->end, g->node);
	return !enough(s, g->start > s->from ? g->start : s->from) || s->may;
}

/* False: no more. */
static bool visit(struct sweep *s, uint32_t i)
{
	int64_t d = s->q->duration;
	const struct gap *g;

	for (; i; i = g->right) {
		g = &s->k->gap[i];
		if (g->longest < d || g->last - d < s->from)
			return true;
		if (!visit(s, g->left))
			return false;
		if (length(g) >= d && g->end - d >= s->from && !open_gap(s, g))
			return false;
	}
	return true;
}

int64_t gaps_first(const struct gaps *k, const struct gaps_query *q,
		   uint64_t *may)
{
	struct sweep s = { .k = k, .q = q, .from = q->from, .may = may,
			   .heap = k->store->heap, .found = PLANNER_FOREVER };

	if (q->from >= q->before)
		return PLANNER_FOREVER;
	if (may)
		memset(may, 0, (k->store->nodes + 63) / 64 * sizeof(*may));
	visit(&s, k->root);
	if (s.found == PLANNER_FOREVER)
		open_extras(&s, q->before);
	for (int64_t i = 0; may && s.found != PLANNER_FOREVER && i < s.count;
	     i++)
		set_bit(may, s.heap[i].node);
	return s.found;
}

static int64_t next_start(const struct gaps *k, uint32_t i,
			  const struct gaps_query *q)
{
	const struct gap *g;

	for (; i && k->gap[i].longest >= q->duration; i = g->right) {
		int64_t t;

		g = &k->gap[i];
		if (g->start <= q->from)
			continue;
		t = next_start(k, g->left, q);
		if (t != PLANNER_FOREVER)
			return t;
		if (length(g) >= q->duration && q->passes(q->arg, g->node))
			return g->start;
	}
	return PLANNER_FOREVER;
}

int64_t gaps_next(const struct gaps *k, const struct gaps_query *q)
{
	return next_start(k, k->root, q);
}

int64_t gaps_begin(const struct gaps *k, uint32_t node, int64_t end)
{
	const struct node_gaps *n = &k->nodes[node];
	uint32_t i = find(k, n, end);

	return i < n->count && k->gap[n->gap[i]].end == end ?
	       k->gap[n->gap[i]].start : end;
}
