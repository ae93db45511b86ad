/* SPDX-License-Identifier: Apache-2.0 */
/* Job ids in all their forms. weir_jobid(3). */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "libclient/weir.h"
#include "proto/error.h"
#include "proto/jobid.h"

int weir_jobid_parse(const char *s, weir_jobid_t *id)
{
	struct proto_error error;

	return jobid_parse(s, id, &error);
}

int weir_jobid_encode(weir_jobid_t id, const char *form, char *buf,
		      size_t size)
{
	struct proto_error error;
	enum jobid_form which;
	char text[JOBID_SIZE];

	if (jobid_form_parse(form, &which, &error) < 0)
		return -1;
	jobid_encode(id, which, text);
	if (strlen(text) + 1 > size) {
		errno = ENOSPC;
		return -1;
	}
	strcpy(buf, text);
	return 0;
}
