/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the access control share, and nobody else: users as they
 * are kept. A user is one root selector and any number of others; a request is
 * allowed when one of them allows all of it.
 */
#ifndef VD_PROTO_ACL_ROOM_H
#define VD_PROTO_ACL_ROOM_H

#include "proto/acl.h"
#include "proto/sha256.h"

/* Owned texts. */
struct vd_texts {
    char **list;
    size_t count;
};

/* "+ping|hello": the command with this first argument only. */
struct vd_first_arg {
    unsigned command; /* vd_command_id */
    char *arg;
};

/* Keys exist for no command of a sentinel; they are kept to be told. */
struct vd_key_pattern {
    bool reads;
    bool writes;
    char *pattern;
};

struct vd_selector {
    bool future; /* the rules began with +@all: what is not known yet is allowed as well */
    bool all_keys;
    bool all_channels;
    uint64_t commands[VD_COMMAND_IDS / 64]; /* a bit per vd_command_id */
    struct vd_text rules; /* behind the +@all or -@all, as given: " +ping -@admin" */
    struct vd_first_arg *first_args;
    size_t first_arg_count;
    struct vd_key_pattern *keys;
    size_t key_count;
    struct vd_texts channels;
};

enum vd_sanitize {
    VD_SANITIZE_UNSAID,
    VD_SANITIZE_YES,
    VD_SANITIZE_SKIP,
};

/* All that rules can change. */
struct vd_rights {
    bool on;
    bool nopass;
    enum vd_sanitize sanitize;
    struct vd_texts passwords; /* SHA-256, lower-case hex */
    struct vd_selector root;
    struct vd_selector *selectors;
    size_t selector_count;
};

struct vd_acl_user {
    char *name;
    struct vd_rights rights;
    unsigned holders;
    bool gone;
};

struct vd_log_entry {
    uint64_t id;
    uint64_t count;
    enum vd_denial_reason reason;
    char *object;
    char *user;
    char *client;
    int64_t created_ms;
    int64_t updated_ms;
};

struct vd_acl {
    bool open_channels;
    struct vd_acl_user **users; /* in the order of their names; each is held */
    size_t user_count;
    struct vd_log_entry **log; /* the newest first */
    size_t log_count;
    uint64_t last_log_id;
};

/* acl.c */
void vd_texts_add(struct vd_texts *texts, const char *bytes, size_t len);
/* False: it is not among them. */
bool vd_texts_remove(struct vd_texts *texts, const char *bytes, size_t len);
bool vd_texts_have(const struct vd_texts *texts, const char *bytes, size_t len);
void vd_texts_clear(struct vd_texts *texts);
void vd_selector_free(struct vd_selector *selector);
void vd_rights_copy(struct vd_rights *to, const struct vd_rights *from);
void vd_rights_free(struct vd_rights *rights);
void vd_rights_init(struct vd_rights *rights, bool open_channels);
void vd_rights_clear_selectors(struct vd_rights *rights);

/* acl_rules.c: one rule applied; a false leaves the rights half changed. The bare reason. */
bool vd_rights_apply(struct vd_rights *rights, const struct vd_word *rule, bool open_channels,
                     struct vd_err *err) VD_MUSTCHECK;

/*
 * acl_rules.c: rules of a selector in parentheses may come as several words;
 * they are made one. False: *open is the word that has no end.
 */
bool vd_rules_merge(const struct vd_word *rules, size_t count, struct vd_arena *arena,
                    struct vd_words *out, const struct vd_word **open) VD_MUSTCHECK;

#endif
