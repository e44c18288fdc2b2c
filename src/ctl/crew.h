/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Crew: the sentinels that belong together, found from those that the operator
 * named, and asked one after the other. Real Redis and Valkey sentinels may be
 * among them.
 */
#ifndef VD_CTL_CREW_H
#define VD_CTL_CREW_H

#include <jansson.h>

#include "ctl/link.h"
#include "ctl/options.h"

enum vd_ctl_kind {
    VD_CTL_UNKNOWN, /* was not reached */
    VD_CTL_VEDETTE,
    VD_CTL_REDIS,
    VD_CTL_VALKEY,
};

/* One of them. Owns all. */
struct vd_ctl_mate {
    char *host;
    uint16_t port;
    char *name;               /* "host:port" */
    bool is_named;            /* by the operator */
    bool is_known;            /* to one of the others, who were asked just now */
    struct vd_ctl_link *link; /* NULL: not reached, or lost */
    char *error;              /* why; NULL: it answers */
    int64_t retry_at;         /* vd_ctl_now: not to be tried before */
    char *id;
    enum vd_ctl_kind kind;
    json_t *info;           /* the fields of its INFO */
    json_t *masters;        /* SENTINEL MASTERS: an array of objects */
    json_t *by_name;        /* the same, by their names */
    int64_t clock_us;       /* its wall clock less ours, as far as the round trip tells */
    int64_t clock_error_us; /* ... half of that; -1: unknown */
};

struct vd_ctl_crew {
    struct vd_ctl_access access;
    struct vd_tls_keys *keys;
    struct vd_ctl_mate *mates;
    size_t count;
};

/* Keys of TLS are loaded; nobody is asked yet. */
bool vd_ctl_crew_init(struct vd_ctl_crew *crew, const struct vd_ctl_options *options,
                      struct vd_err *err) VD_MUSTCHECK;
void vd_ctl_crew_free(struct vd_ctl_crew *crew);

/*
 * Ask those who were named, and unless `only` was said all whom they know, what
 * they are and what they watch. Called again, it asks anew.
 */
void vd_ctl_crew_gather(struct vd_ctl_crew *crew, const struct vd_ctl_options *options);

/* The words end with NULL. NULL with the reason: a refusal, or the mate is lost (its error). */
json_t *vd_ctl_ask(struct vd_ctl_mate *mate, struct vd_err *err, ...) __attribute__((sentinel));

/* One of many questions; words are borrowed. */
#define VD_CTL_WORDS_MAX 5
struct vd_ctl_question {
    const char *words[VD_CTL_WORDS_MAX]; /* fewer end with NULL */
    json_t *reply;                       /* NULL: see error; owned, so that */
    char *error;
};

/* Asks all of them at once and awaits every reply. One that is refused is an error of its own; when
 * the mate is lost, the rest are. */
void vd_ctl_ask_all(struct vd_ctl_mate *mate, struct vd_ctl_question *questions, size_t count);
/* And the array itself. */
void vd_ctl_questions_free(struct vd_ctl_question *questions, size_t count);

/* It cannot be spoken to any more: its error. */
void vd_ctl_lose(struct vd_ctl_mate *mate, const struct vd_err *err);

/* What it has shown, parsed. NULL with the reason. */
json_t *vd_ctl_page_of(const struct vd_ctl_mate *mate, const char *page, const json_t *text,
                       struct vd_err *err);

/* SENTINEL SHOW page [name value]: the page of a vedette, parsed. NULL with the reason. */
json_t *vd_ctl_ask_page(struct vd_ctl_mate *mate, const char *page, const char *name,
                        const char *value, struct vd_err *err);

/* A reply as JSON: maps stay flat arrays, errors inside become text. */
json_t *vd_ctl_json_of(const redisReply *reply);
/* A flat array of names and values as an object; an empty one for anything else. */
json_t *vd_ctl_fields(const json_t *flat);
/* Flat arrays in an array: an array of objects; an empty one for anything else. */
json_t *vd_ctl_objects_of(const json_t *replies);
/* INFO's lines as an object. */
json_t *vd_ctl_info_fields(const char *text);

/* What it sees of a group; NULL: it does not watch it, or was not reached. Borrowed. */
const json_t *vd_ctl_master_of(const struct vd_ctl_mate *mate, const char *group);

/* The address that these fields tell, as text. */
void vd_ctl_put_address(const json_t *fields, const char *host, const char *port,
                        struct vd_text *to);

/* Does the instance have the flag, of those between commas? */
bool vd_ctl_has_flag(const json_t *fields, const char *flag);

/* The version of itself that it tells; "" if it was not reached. Borrowed. */
const char *vd_ctl_version_of(const struct vd_ctl_mate *mate);

/* The one to be asked about the group: a vedette if any, with the newest configuration. NULL: none.
 */
struct vd_ctl_mate *vd_ctl_best_mate(const struct vd_ctl_crew *crew, const char *group);

const char *vd_ctl_kind_name(enum vd_ctl_kind kind);

#endif
