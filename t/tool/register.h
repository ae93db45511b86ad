/* SPDX-License-Identifier: Apache-2.0 */
/* The operations on one key, made ready for the search of linear.c. A state
 * of the key is the digest of its value, 0 if it does not exist. All values that
 * no outcome speaks of are one state. */
#ifndef WEIR_T_REGISTER_H
#define WEIR_T_REGISTER_H

#include "t/tool/linear.h"

struct step {
	const struct op *op;
	struct step *earlier;	/* of the same connection, not optional */
	uint64_t value, expected;	/* get: state; cas: state expected */
	uint64_t after;		/* the state that reads say it led to, if READ */
	uint64_t mark[2];	/* its share in the name of a set of steps */
	bool read;		/* a get saw what it wrote */
	bool named;		/* a condition names what it wrote */
	bool void_;		/* it did nothing and says nothing */
	bool optional;		/* it may have done nothing */
	bool done;		/* search: has a place in the order */
};

struct key_steps {
	struct step *step;	/* by INVOKED */
	size_t count;
};

/* Of the operations OP[COUNT] on one key. -1 after filling V if the values
 * alone say that something is wrong. */
int key_steps_make(struct key_steps *key, const struct op **op, size_t count,
		   struct verdict *v);
void key_steps_free(struct key_steps *key);
/* Whether STEP can take effect in STATE; *NEXT is what is there then. */
bool step_apply(const struct step *step, uint64_t state, uint64_t *next);

#endif
