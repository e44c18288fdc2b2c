/* SPDX-License-Identifier: BSD-3-Clause */
/* The ACL file, see acl_file.h. */
#include "shell/acl_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "proto/acl.h"
#include "shell/conf_file.h"
#include "shell/file_replace.h"

bool vd_acl_file_write(const char *path, const struct vd_text *text, struct vd_err *err)
{
    struct stat like = {
        .st_mode = S_IFREG | S_IRUSR | S_IWUSR, .st_uid = geteuid(), .st_gid = getegid()};
    int none = -1;

    (void)!stat(path, &like);
    return vd_file_replace(path, text, &like, &none, err);
}

void vd_acl_file_load(struct vd_config *config)
{
    struct vd_server_options *server = &config->server;
    struct vd_text text = {0};
    struct vd_text faults = {0};
    struct vd_err err = {""};
    char *path;

    if (server->aclfile == NULL)
        return;
    path = vd_conf_join(server->dir, server->aclfile);
    vd_free(server->aclfile);
    server->aclfile = path;
    if (config->user_count > 0) {
        vd_config_fault(config, path, 0, NULL,
                        "users are declared in the configuration, and there is an ACL file as well",
                        "keep the users in one place: in the configuration or in the ACL file");
    } else if (!vd_conf_file_read(path, &text, &err)) {
        vd_err_wrap(&err, "can't open the ACL file");
        vd_config_fault(config, path, 0, NULL, err.text,
                        "make the file (it may be empty), or remove aclfile");
    } else if (vd_acl_parse(config->acl, path, vd_text_cstr(&text), text.len, &faults)) {
        if (server->requirepass != NULL && vd_acl_is_open(vd_acl_default(config->acl)))
            vd_config_warn(config,
                           "%s: user default needs no password, though requirepass is set: the "
                           "ACL file wins",
                           path);
    } else {
        vd_config_fault(config, path, 0, NULL, vd_text_cstr(&faults), "correct the file");
    }
    vd_text_free(&text);
    vd_text_free(&faults);
}
