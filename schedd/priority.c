/* SPDX-License-Identifier: Apache-2.0 */
/* A job's priority from its urgency: see priority.h. */
#include "config.h"

#include "schedd/priority.h"

int64_t priority_of(const struct job *job)
{
	return job->urgency == URGENCY_EXPEDITE ? PRIORITY_MAX : job->urgency;
}
