/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Access control as Redis 7 has it: users, their passwords and what they may
 * do. Rules come as the words of ACL SETUSER and go out as "user ..." lines;
 * in between stands one question: may this user run this command, with these
 * channels? Pure: files, clocks and connections belong to others.
 */
#ifndef VD_PROTO_ACL_H
#define VD_PROTO_ACL_H

#include "base/arena.h"
#include "base/err.h"
#include "proto/command.h"
#include "proto/resp.h"
#include "proto/words.h"

struct vd_acl;
struct vd_acl_user;

/* With the default user alone, who may do everything. `open_channels`: new users may use all
 * channels (acl-pubsub-default allchannels). */
struct vd_acl *vd_acl_new(bool open_channels);
void vd_acl_free(struct vd_acl *acl); /* NULL is fine; users that are held live on */

/* Users --------------------------------------------------------------------------- */

/* NULL: there is none. Names are compared byte by byte. */
struct vd_acl_user *vd_acl_find(const struct vd_acl *acl, const char *name, size_t len);

/* The user named "default", who is always there: who clients are before they say who they are. */
struct vd_acl_user *vd_acl_default(const struct vd_acl *acl);

/* In the order of their names. */
size_t vd_acl_count(const struct vd_acl *acl);
struct vd_acl_user *vd_acl_at(const struct vd_acl *acl, size_t index);

/* Whoever keeps a user beyond the call holds it; a deleted one stays until nobody does. */
struct vd_acl_user *vd_acl_hold(struct vd_acl_user *user);
void vd_acl_drop(struct vd_acl_user *user); /* NULL is fine */

const char *vd_acl_name(const struct vd_acl_user *user);
bool vd_acl_is_on(const struct vd_acl_user *user);
/* Does any password do? */
bool vd_acl_is_open(const struct vd_acl_user *user);
/* Deleted: whoever still is that user has to go. */
bool vd_acl_is_gone(const struct vd_acl_user *user);

/* May a user of that name come into being: not empty, no blanks, no NUL? */
bool vd_acl_name_valid(const struct vd_word *name);

/*
 * ACL SETUSER: make the user, or change the one there is. All rules or none:
 * false with "Error in ACL SETUSER modifier '+x': ..." (no code, no line end).
 */
bool vd_acl_set(struct vd_acl *acl, const struct vd_word *name, const struct vd_word *rules,
                size_t count, struct vd_err *err) VD_MUSTCHECK;

/*
 * A user as a line of a file declares it: made from nothing, whatever was
 * there. False with the bare reason, as "Syntax error".
 */
bool vd_acl_declare(struct vd_acl *acl, const struct vd_word *name, const struct vd_word *rules,
                    size_t count, struct vd_err *err) VD_MUSTCHECK;

/* What requirepass means: this is the default user's only password; NULL or "": it needs none. */
void vd_acl_require(struct vd_acl *acl, const char *password);

/* False when there is none. The default user must not be asked for. */
bool vd_acl_delete(struct vd_acl *acl, const struct vd_word *name);

/* Become as `from`, which stays as it is: users of the same name are changed, others come or go. */
void vd_acl_adopt(struct vd_acl *acl, const struct vd_acl *from);

/* Text ---------------------------------------------------------------------------- */

/* Append "user NAME on ...", without a line end: what ACL LIST tells. */
void vd_acl_describe(const struct vd_acl_user *user, struct vd_text *to);

/*
 * The same as a line of a file. differs: what has a quote, a backslash or a
 * parenthesis where they mean something is quoted, or else the file that was
 * written could not be read.
 */
void vd_acl_print_user(const struct vd_acl_user *user, struct vd_text *to);

/* Append all users so, each with a line end: the form of an ACL file. */
void vd_acl_print(const struct vd_acl *acl, struct vd_text *to);

/*
 * The users of an ACL file instead of those there are. All or nothing; false
 * with every fault, each as "FILE:LINE: reason. ". `file` is only named.
 */
bool vd_acl_parse(struct vd_acl *acl, const char *file, const char *bytes, size_t len,
                  struct vd_text *faults) VD_MUSTCHECK;

/* ACL GETUSER; `databases`: with the field that Valkey 9 has of them. */
void vd_acl_render(const struct vd_acl_user *user, bool databases, struct vd_resp *resp);

/* Decisions ----------------------------------------------------------------------- */

/* Is this the user's password? Takes the same time whatever is wrong about it. */
bool vd_acl_lets_in(const struct vd_acl_user *user, const struct vd_word *password);

enum vd_acl_verdict {
    VD_ACL_YES,
    VD_ACL_NO_COMMAND,
    VD_ACL_NO_CHANNEL,
};

/* May the user run this row with these words? *channel: the one refused. */
enum vd_acl_verdict vd_acl_judge(const struct vd_acl_user *user, const struct vd_command *parent,
                                 const struct vd_command *command, const struct vd_word *words,
                                 size_t count, const struct vd_word **channel);

/* Why not, in a sentence, as a bulk string: ACL DRYRUN. `command`: its full name. */
void vd_acl_explain(const struct vd_acl_user *user, enum vd_acl_verdict verdict,
                    const char *command, const struct vd_word *channel, struct vd_resp *resp);

/* May the user listen to this channel, or to all that match this pattern? */
bool vd_acl_may_listen(const struct vd_acl_user *user, const struct vd_word *channel, bool pattern);

/* Log ----------------------------------------------------------------------------- */

enum vd_denial_reason {
    VD_DENIAL_NONE,
    VD_DENIAL_AUTH,
    VD_DENIAL_COMMAND,
    VD_DENIAL_CHANNEL,
};

/* Texts are borrowed. */
struct vd_denial {
    enum vd_denial_reason reason;
    const char *object; /* "sentinel|masters", a channel, "AUTH" */
    const char *user;
};

/* What was denied; the same as within the last minute is counted. `client`: a line of CLIENT LIST.
 * At most `most` entries are kept. */
void vd_acl_log(struct vd_acl *acl, const struct vd_denial *denial, const char *client,
                int64_t wall_ms, size_t most);

/* ACL LOG, the newest first. */
void vd_acl_log_render(const struct vd_acl *acl, size_t most, int64_t wall_ms,
                       struct vd_resp *resp);
void vd_acl_log_reset(struct vd_acl *acl);

#endif
