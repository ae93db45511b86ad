/* SPDX-License-Identifier: Apache-2.0 */
/* The link between a node's agent and a job's shell: a Unix socket of the
 * agent, frames of weir-protocol(7) without tags. The shell connects, and
 * again whenever the agent was started anew; what it has not been told to be
 * durable it says again.
 *
 * shell to agent
 *	hello RANK ID PID
 *	start				all tasks run
 *	output OFFSET {N}		records of weir-output(5), OFFSET bytes
 *					of this shell's came before them
 *	exception TYPE SEVERITY STATUS {N}	STATUS a wait status, N bytes
 *					of note
 *	finish STATUS			all output has been sent
 * agent to shell
 *	resume OFFSET			so much output is durable; send from
 *					there on (first, after hello)
 *	ack OFFSET			so much is durable by now
 *	input OFFSET {N}		a piece of guest.input
 *	signal NUMBER ORDINAL		the ORDINALth of the job, from 1: each is
 *					delivered once; 0: in any case
 *	done				the result is durable: end
 */
#ifndef WEIR_EXECD_LINK_H
#define WEIR_EXECD_LINK_H

#define LINK_OUTPUT_MAX	(1u << 20)	/* bytes not yet durable, a shell */
#define LINK_PIECE_MAX	(256u << 10)	/* bytes of output in a frame */
#define LINK_INPUT_MAX	(1u << 20)	/* bytes an agent queues for a shell */

#endif
