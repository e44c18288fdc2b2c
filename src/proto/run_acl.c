/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ACL: users shown and changed. The rules are acl.h's; what a change means for
 * connections that are open is left to the shell.
 */
#include <string.h>

#include "proto/call.h"

/* Shown ----------------------------------------------------------------------------- */

void vd_run_acl_whoami(struct vd_call *call)
{
    vd_resp_bulk_cstr(&call->resp, vd_acl_name(call->session->user));
}

void vd_run_acl_users(struct vd_call *call)
{
    const struct vd_acl *acl = call->desk->acl;

    vd_resp_array(&call->resp, vd_acl_count(acl));
    for (size_t i = 0; i < vd_acl_count(acl); i++)
        vd_resp_bulk_cstr(&call->resp, vd_acl_name(vd_acl_at(acl, i)));
}

void vd_run_acl_list(struct vd_call *call)
{
    const struct vd_acl *acl = call->desk->acl;
    struct vd_text line = {0};

    vd_resp_array(&call->resp, vd_acl_count(acl));
    for (size_t i = 0; i < vd_acl_count(acl); i++) {
        vd_text_clear(&line);
        vd_acl_describe(vd_acl_at(acl, i), &line);
        vd_resp_bulk(&call->resp, line.bytes, line.len);
    }
    vd_text_free(&line);
}

void vd_run_acl_getuser(struct vd_call *call)
{
    const struct vd_word *name = &call->words[2];
    const struct vd_acl_user *user = vd_acl_find(call->desk->acl, name->bytes, name->len);

    if (user == NULL)
        vd_resp_null(&call->resp);
    else
        vd_acl_render(user, call->desk->is_valkey, &call->resp);
}

/* Changed --------------------------------------------------------------------------- */

void vd_run_acl_setuser(struct vd_call *call)
{
    const struct vd_word *words = call->words;
    struct vd_err err = {""};

    /* differs: a user without a name could not be written to a file; Redis makes one. */
    if (!vd_acl_name_valid(&words[2])) {
        vd_resp_error(&call->resp, "ERR Usernames can't contain spaces or null characters");
        return;
    }
    if (!vd_acl_set(call->desk->acl, &words[2], words + 3, call->count - 3, &err)) {
        vd_resp_error(&call->resp, "ERR %s", err.text);
        return;
    }
    vd_resp_status(&call->resp, "OK");
    call->out->type = VD_OUT_USERS;
}

void vd_run_acl_deluser(struct vd_call *call)
{
    int64_t deleted = 0;

    for (size_t i = 2; i < call->count; i++) {
        const struct vd_word *name = &call->words[i];

        if (name->len == 7 && memcmp(name->bytes, "default", 7) == 0) {
            vd_resp_error(&call->resp, "ERR The 'default' user cannot be removed");
            return;
        }
    }
    for (size_t i = 2; i < call->count; i++)
        deleted += vd_acl_delete(call->desk->acl, &call->words[i]);
    vd_resp_int(&call->resp, deleted);
    call->out->type = VD_OUT_USERS;
}

/* The ACL file ------------------------------------------------------------------------ */

static const char *find_file(struct vd_call *call)
{
    const char *path = call->desk->server->aclfile;
    const char *product = call->desk->is_valkey ? "" : "Redis ";

    if (path == NULL)
        vd_resp_error(&call->resp,
                      "ERR This %sinstance is not configured to use an ACL file. You may want to "
                      "specify users via the ACL SETUSER command and then issue a CONFIG REWRITE "
                      "(assuming you have a %sconfiguration file set) in order to store users in "
                      "the %sconfiguration.",
                      product, product, product);
    return path;
}

void vd_run_acl_load(struct vd_call *call)
{
    const char *path = find_file(call);
    struct vd_text text = {0};
    struct vd_text faults = {0};
    struct vd_err err = {""};

    if (path == NULL)
        return;
    if (!call->desk->read_file(path, &text, &err)) {
        vd_resp_error(&call->resp, "ERR Error loading ACLs, opening file '%s': %s", path, err.text);
    } else if (!vd_acl_parse(call->desk->acl, path, vd_text_cstr(&text), text.len, &faults)) {
        vd_resp_error(&call->resp,
                      "ERR %sWARNING: ACL errors detected, no change to the previously active ACL "
                      "rules was performed",
                      vd_text_cstr(&faults));
    } else {
        vd_resp_status(&call->resp, "OK");
        call->out->type = VD_OUT_USERS;
    }
    vd_text_free(&text);
    vd_text_free(&faults);
}

void vd_run_acl_save(struct vd_call *call)
{
    const char *path = find_file(call);
    struct vd_text text = {0};
    struct vd_err err = {""};

    if (path == NULL)
        return;
    vd_acl_print(call->desk->acl, &text);
    if (call->desk->write_file(path, &text, &err)) {
        vd_resp_status(&call->resp, "OK");
    } else {
        vd_resp_error(&call->resp, "ERR There was an error trying to save the ACLs. Please check "
                                   "the server logs for more information");
        call->out->complaint =
            vd_arena_printf(call->arena, "ACL SAVE: cannot write '%s': %s", path, err.text);
    }
    vd_text_free(&text);
}

/* Commands ------------------------------------------------------------------------------ */

void vd_run_acl_cat(struct vd_call *call)
{
    const struct vd_word *name = &call->words[2];
    unsigned category;
    size_t count;

    if (call->count > 3) {
        vd_call_wrong_use(call);
    } else if (call->count == 2) {
        const char *const *names = vd_command_categories(&count);

        vd_resp_array(&call->resp, count);
        for (size_t i = 0; i < count; i++)
            vd_resp_bulk_cstr(&call->resp, names[i]);
    } else if ((category = vd_command_category_find(name->bytes, name->len)) == 0) {
        vd_resp_error(&call->resp, "ERR Unknown category '%.128s'", name->bytes);
    } else {
        vd_command_render_category(call, category);
    }
}

void vd_run_acl_dryrun(struct vd_call *call)
{
    const struct vd_word *words = call->words + 3;
    size_t count = call->count - 3;
    const struct vd_acl_user *user =
        vd_acl_find(call->desk->acl, call->words[2].bytes, call->words[2].len);
    const struct vd_command *parent = NULL;
    const struct vd_command *command = vd_command_find(&words[0]);
    const struct vd_word *channel;
    struct vd_text name = {0};
    enum vd_acl_verdict verdict;

    if (user == NULL) {
        vd_resp_error(&call->resp, "ERR User '%.128s' not found", call->words[2].bytes);
        return;
    }
    if (command != NULL && command->sub_count > 0 && count > 1) {
        parent = command;
        command = vd_command_find_sub(parent, &words[1]);
    }
    if (command == NULL) {
        vd_resp_error(&call->resp, "ERR Command '%.128s' not found", words[0].bytes);
        return;
    }
    vd_command_put_name(parent, command, &name);
    if (!vd_command_fits(command, count) || command->run == NULL) {
        vd_resp_error(&call->resp, "ERR wrong number of arguments for '%s' command", name.bytes);
    } else {
        verdict = vd_acl_judge(user, parent, command, words, count, &channel);
        if (verdict == VD_ACL_YES)
            vd_resp_status(&call->resp, "OK");
        else
            vd_acl_explain(user, verdict, name.bytes, channel, &call->resp);
    }
    vd_text_free(&name);
}

/* The rest -------------------------------------------------------------------------------- */

void vd_run_acl_log(struct vd_call *call)
{
    int64_t most = 10;

    if (call->count > 3) {
        vd_call_wrong_use(call);
        return;
    }
    if (call->count == 3 && vd_word_is(&call->words[2], "reset")) {
        vd_acl_log_reset(call->desk->acl);
        vd_resp_status(&call->resp, "OK");
        return;
    }
    if (call->count == 3 && !vd_parse_int64(call->words[2].bytes, call->words[2].len, &most)) {
        vd_resp_error(&call->resp, "ERR value is not an integer or out of range");
        return;
    }
    vd_acl_log_render(call->desk->acl, most < 0 ? 0 : (size_t)most, call->desk->wall_ms(),
                      &call->resp);
}

void vd_run_acl_genpass(struct vd_call *call)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[4096 / 8];
    char text[2 * sizeof(bytes)];
    int64_t bits = 256;
    size_t len;

    if (call->count > 3) {
        vd_call_wrong_use(call);
        return;
    }
    if (call->count == 3 && !vd_parse_int64(call->words[2].bytes, call->words[2].len, &bits)) {
        vd_resp_error(&call->resp, "ERR value is not an integer or out of range");
        return;
    }
    if (bits < 1 || bits > 4096) {
        vd_resp_error(&call->resp, "ERR ACL GENPASS argument must be the number of bits for the "
                                   "output password, a positive number up to 4096");
        return;
    }
    len = (size_t)(bits + 3) / 4;
    call->desk->random(bytes, (len + 1) / 2);
    for (size_t i = 0; i < len; i++)
        text[i] = digits[i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15];
    vd_resp_bulk(&call->resp, text, len);
}
