/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of an error, for the person who has to put it right: what was
 * wrong and where. The number of the error travels in errno.
 *
 * Invariant: the text is one line of valid UTF-8 without control characters,
 * even where it quotes bytes of a stranger, so it may go into a log, a reply
 * or a JSON string as it is.
 */
#ifndef WEIR_PROTO_ERROR_H
#define WEIR_PROTO_ERROR_H

struct proto_error {
	char text[256];		/* always terminated; long texts are cut */
};

/*
 * Format into ERR (which may be NULL) and set errno to ERRNUM. Returns -1 so
 * that a caller can write "return proto_error_set(...)".
 */
int proto_error_set(struct proto_error *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
