/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timelines as SVG, by themselves or in a page of HTML: above, how much of the
 * machine is used and how many jobs wait; below, which job is on which node.
 * When there are more jobs than an eye can tell apart, the nodes' part is a
 * grid, darker where more is used.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/sim.h"

#define WIDTH		1000		/* of the plots; SVG units */
#define LEFT		60
#define TOP		24
#define CURVE		100		/* height of the curve */
#define NODES		240		/* height of the nodes' part */
#define GAP		22
#define HEIGHT		(TOP + CURVE + GAP + NODES + 30)
#define BOXES_MAX	6000
#define COLUMNS		400
#define ROWS		80

struct plot {
	const struct sim *sim;
	FILE *file;
	int64_t first, last;		/* the time shown, of all runs */
	uint32_t nodes;
};

static void put_text(FILE *file, const char *text)
{
	for (; *text; text++)
		if (*text == '<')
			fputs("&lt;", file);
		else if (*text == '&')
			fputs("&amp;", file);
		else if (*text == '>')
			fputs("&gt;", file);
		else if ((unsigned char)*text >= 32)
			fputc(*text, file);
}

static double x_of(const struct plot *p, int64_t time)
{
	return LEFT + (double)(time - p->first) * WIDTH /
	       (double)(p->last - p->first);
}

static double column_of(const struct plot *p, int64_t time, int columns)
{
	return (double)(time - p->first) * columns /
	       (double)(p->last - p->first);
}

/* ---- curves ---- */

/* AMOUNT from START until before END, spread over the columns. */
static void spread(const struct plot *p, double *columns, int n,
		   int64_t start, int64_t end, double amount)
{
	double from = column_of(p, start, n), to = column_of(p, end, n);

	for (int i = (int)from; i < n && i < to; i++) {
		double low = from > i ? from : i;
		double high = to < i + 1 ? to : i + 1;

		columns[i] += amount * (high - low);
	}
}

static void put_curve(const struct plot *p, const double *columns,
		      double most, const char *style)
{
	fprintf(p->file, "<path %s d=\"M%d,%d", style, LEFT, TOP + CURVE);
	for (int i = 0; i < COLUMNS; i++) {
		double y = TOP + CURVE - CURVE * columns[i] / most;

		fprintf(p->file, "L%.1f,%.1fH%.1f",
			LEFT + (double)i * WIDTH / COLUMNS, y,
			LEFT + (double)(i + 1) * WIDTH / COLUMNS);
	}
	fprintf(p->file, "V%d\"/>\n", TOP + CURVE);
}

static void put_curves(const struct plot *p)
{
	double *used = xmalloc(2 * COLUMNS * sizeof(*used)), most = 1;
	double *waiting = used + COLUMNS;

	memset(used, 0, 2 * COLUMNS * sizeof(*used));
	for (size_t i = 0; i < p->sim->trace->count; i++) {
		const struct sim_job *job = &p->sim->jobs[i];

		if (job->start == BACKFILL_NO_TIME)
			continue;
		spread(p, used, COLUMNS, job->start, job->end,
		       (double)job->units);
		spread(p, waiting, COLUMNS, job->submit, job->start, 1);
	}
	for (int i = 0; i < COLUMNS; i++)
		most = waiting[i] > most ? waiting[i] : most;
	put_curve(p, used, p->sim->units ? (double)p->sim->units : 1,
		  "class=\"used\" fill=\"#7fa8d6\"");
	put_curve(p, waiting, most, "class=\"waiting\" fill=\"none\" "
		  "stroke=\"#b3541e\"");
	fprintf(p->file, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">100%%"
		"</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>"
		"<text x=\"%d\" y=\"%d\" fill=\"#b3541e\">%.0f wait</text>\n",
		LEFT - 4, TOP + 8, LEFT - 4, TOP + CURVE, LEFT + WIDTH + 4,
		TOP + 8, most);
	free(used);
}

/* ---- jobs on nodes ---- */

static const char *colour(uint32_t job)
{
	static const char *const colours[] = { "#4e79a7", "#f28e2b",
		"#e15759", "#76b7b2", "#59a14f", "#edc948", "#b07aa1",
		"#ff9da7", "#9c755f", "#bab0ac" };

	return colours[job % 10];
}

static double y_of(const struct plot *p, uint32_t node)
{
	return TOP + CURVE + GAP + (double)node * NODES / p->nodes;
}

static void put_boxes(const struct plot *p)
{
	for (size_t i = 0; i < p->sim->span_count; i++) {
		const struct sim_span *s = &p->sim->spans[i];
		const struct sim_job *job = &p->sim->jobs[s->job];
		double x = x_of(p, job->start), y = y_of(p, s->first);

		fprintf(p->file, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" "
			"height=\"%.2f\" fill=\"%s\"><title>job %u: %" PRId64
			" to %" PRId64 "</title></rect>\n", x, y,
			x_of(p, job->end) - x, y_of(p, s->last + 1) - y,
			colour(s->job), s->job + 1, job->start, job->end);
	}
}

/* Each cell: how much of its nodes' time was some job's, at most 1. */
static void put_row(const struct plot *p, const double *cells, int row,
		    int rows, double share)
{
	double height = (double)NODES / rows;
	int from = 0, level[COLUMNS];

	for (int i = 0; i < COLUMNS; i++) {
		double part = cells[row * COLUMNS + i] / share;

		level[i] = (int)(8 * (part > 1 ? 1 : part) + 0.5);
	}
	for (int i = 1; i <= COLUMNS; i++) {
		if (i < COLUMNS && level[i] == level[from])
			continue;
		if (level[from])
			fprintf(p->file, "<rect x=\"%.2f\" y=\"%.2f\" "
				"width=\"%.2f\" height=\"%.2f\" fill=\"#4e79a7"
				"\" fill-opacity=\"%.3f\"/>\n",
				LEFT + (double)from * WIDTH / COLUMNS,
				TOP + CURVE + GAP + row * height,
				(double)(i - from) * WIDTH / COLUMNS, height,
				level[from] / 8.0);
		from = i;
	}
}

static void put_grid(const struct plot *p)
{
	int rows = p->nodes < ROWS ? (int)p->nodes : ROWS;
	double *cells = xmalloc((size_t)rows * COLUMNS * sizeof(*cells));

	memset(cells, 0, (size_t)rows * COLUMNS * sizeof(*cells));
	for (size_t i = 0; i < p->sim->span_count; i++) {
		const struct sim_span *s = &p->sim->spans[i];
		const struct sim_job *job = &p->sim->jobs[s->job];

		for (uint32_t n = s->first; n <= s->last; n++)
			spread(p, cells + (uint64_t)n * (uint64_t)rows /
			       p->nodes * COLUMNS, COLUMNS, job->start,
			       job->end, 1);
	}
	for (int row = 0; row < rows; row++)
		put_row(p, cells, row, rows, (double)p->nodes / rows);
	free(cells);
}

static void put_nodes(const struct plot *p)
{
	const struct graph *g = p->sim->g;
	char name[GRAPH_NAME_SIZE];
	uint32_t first;

	if (!p->nodes)
		return;
	if (p->sim->span_count > BOXES_MAX)
		put_grid(p);
	else
		put_boxes(p);
	first = g->types[g->node_type].first;
	for (int last = 0; last < (p->nodes > 1 ? 2 : 1); last++) {
		uint32_t v = g->by_type[last ? first + p->nodes - 1 : first];

		fprintf(p->file, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">",
			LEFT - 4, TOP + CURVE + GAP + (last ? NODES : 8));
		put_text(p->file, graph_name(g, v, name));
		fputs("</text>\n", p->file);
	}
	fprintf(p->file, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
		"fill=\"none\" stroke=\"#888\"/>\n", LEFT, TOP + CURVE + GAP,
		WIDTH, NODES);
}

/* ---- the whole ---- */

static void put_plot(const struct plot *p)
{
	char name[SIM_NAME_SIZE];

	fputs("<text class=\"name\" x=\"60\" y=\"14\">", p->file);
	put_text(p->file, sim_name(p->sim, name));
	fputs("</text>\n", p->file);
	put_curves(p);
	put_nodes(p);
	fprintf(p->file, "<text x=\"%d\" y=\"%d\">%" PRId64 " s</text>"
		"<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%" PRId64
		" s</text>\n", LEFT, HEIGHT - 16, p->first, LEFT + WIDTH,
		HEIGHT - 16, p->last);
}

/* Runs are one below the other, over the same time. */
void sim_svg(const struct sim *sims, size_t count, FILE *file)
{
	const struct graph *g = sims[0].g;
	struct plot p = { .file = file, .first = sims[0].first,
		.last = sims[0].first + 1 };

	if (g->node_type != GRAPH_NONE)
		p.nodes = g->types[g->node_type].count;
	for (size_t i = 0; i < count; i++)
		if (sims[i].last > p.last)
			p.last = sims[i].last;
	fprintf(file, "<svg xmlns=\"http://www.w3.org/2000/svg\" "
		"viewBox=\"0 0 %d %zu\" font-family=\"sans-serif\" "
		"font-size=\"11\">\n", LEFT + WIDTH + 60, count * HEIGHT);
	for (size_t i = 0; i < count; i++) {
		p.sim = &sims[i];
		fprintf(file, "<g transform=\"translate(0,%zu)\">\n",
			i * HEIGHT);
		put_plot(&p);
		fputs("</g>\n", file);
	}
	fputs("</svg>\n", file);
}

void sim_html(const struct sim *sims, size_t count, FILE *file)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset="
	      "\"utf-8\"><title>weir sim</title></head>\n<body>\n<pre>\n",
	      file);
	sim_table(sims, count, file);
	fputs("</pre>\n", file);
	sim_svg(sims, count, file);
	fputs("</body></html>\n", file);
}
