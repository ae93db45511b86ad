/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML as another spelling of JSON, for files that people write. A library by
 * itself, proto/libyamljson.la, so that what only speaks JSON does without
 * libyaml.
 *
 * One document; keys are scalars and unique. Plain scalars are null, booleans
 * and numbers as in YAML 1.2's core schema; all else is a string. Anchors,
 * aliases and tags are refused: a few bytes of them could stand for
 * gigabytes.
 */
#ifndef WEIR_PROTO_YAML_JSON_H
#define WEIR_PROTO_YAML_JSON_H

#include <stddef.h>
#include <jansson.h>

#include "proto/error.h"

#define YAML_DEPTH_MAX	64

/* NULL with EINVAL and ERR that gives line and column. */
json_t *yaml_to_json(const char *text, size_t len, struct proto_error *err);

#endif
