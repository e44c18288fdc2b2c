/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration as values: what both file formats (conf_native in shell,
 * conf_classic here) and the command line fill in, and what the daemon is
 * started from. A value changed at runtime lives in the state store; only in
 * another's place is that the classic file itself.
 */
#ifndef VD_PROTO_CONFIG_H
#define VD_PROTO_CONFIG_H

#include "base/text.h"
#include "core/core.h"
#include "proto/alert_rule.h"
#include "proto/words.h"

enum vd_log_level {
    VD_LOG_DEBUG,
    VD_LOG_VERBOSE,
    VD_LOG_NOTICE,
    VD_LOG_WARNING,
    VD_LOG_NOTHING,
};

enum vd_log_format {
    VD_LOG_PLAIN, /* as Sentinel's lines */
    VD_LOG_JSON,  /* one object a line */
};

enum vd_on_save_failure {
    VD_SAVE_MUTE,     /* no promise leaves until saving works again */
    VD_SAVE_VOLATILE, /* votes from memory; abstains after a restart */
};

/* In whose place the program runs, by the name that it was called by. */
enum vd_guise {
    VD_GUISE_OWN,    /* nobody's: configuration is read only, state has a place of its own */
    VD_GUISE_REDIS,  /* redis-sentinel: the classic file is the state as well */
    VD_GUISE_VALKEY, /* valkey-sentinel */
};

/* A monitored name as the configuration has it. Owns its texts and arrays. */
struct vd_config_group {
    char *name;
    struct vd_addr addr;
    struct vd_options options;
    uint64_t set; /* bit per enum vd_option: named in the configuration */
    /* Taken over from a classic file on first start, ignored once there is saved state. */
    uint64_t config_epoch;
    uint64_t leader_epoch;
    struct vd_addr *replicas;
    size_t replica_count;
    bool replicas_are_hints; /* said by an operator, not learned by a sentinel */
    struct vd_image_peer *peers;
    size_t peer_count;
    struct vd_id vote; /* in leader_epoch; these by vedette's own remarks */
    struct vd_id lineage;
    struct vd_id lineage_before;
    char *place; /* "file:line" of the group's first line, for messages */
};

enum vd_tls_auth {
    VD_TLS_AUTH_NO,       /* clients are not asked for a certificate */
    VD_TLS_AUTH_YES,      /* without a good one they may not come in */
    VD_TLS_AUTH_OPTIONAL, /* they need not have one; a bad one is refused */
};

/* Encryption. Texts are owned; NULL means unset. Files are PEM. */
struct vd_tls_options {
    uint16_t port; /* 0: none */
    struct {
        bool servers; /* links to data servers use TLS */
        bool peers;   /* links to other sentinels do, and they are told tls-port */
    } to;
    bool verify_names; /* the certificate must be for the host that was meant */
    char *cert_file;
    char *key_file;
    char *key_file_pass;
    char *client_cert_file; /* of outgoing links; NULL: cert_file and its key */
    char *client_key_file;
    char *client_key_file_pass;
    char *dh_params_file;
    char *ca_cert_file;
    char *ca_cert_dir;
    enum vd_tls_auth auth_clients;
    char *protocols; /* "TLSv1.2 TLSv1.3" */
    char *ciphers;
    char *ciphersuites;
    bool prefer_server_ciphers;
    bool session_caching;
    int session_cache_size;
    int session_cache_timeout_s;
};

/* What the process itself needs. Texts are owned; NULL or "" means unset. */
struct vd_server_options {
    uint16_t port; /* 0: no TCP */
    /* Addresses to listen on; "*" and "::*" mean all; a leading '-' forgives failure. */
    char **bind;
    size_t bind_count;
    char *unixsocket;
    unsigned unixsocketperm; /* 0: leave */
    char *bind_source_addr;  /* of outgoing links */
    int tcp_backlog;
    int tcp_keepalive_s;
    vd_ms timeout_ms; /* idle clients; 0: never */
    unsigned maxclients;
    char
        *requirepass; /* of the default user, and what peers are told unless sentinel-pass is set */
    char *aclfile;    /* users are there, and nowhere else */
    unsigned acllog_max_len;
    char *redis_version;       /* the release that is claimed to clients; NULL: VD_REDIS_VERSION */
    bool acl_pubsub_closed;    /* new users may use no channel */
    struct vd_rename *renames; /* of this server's own commands; `to` "": not there at all */
    size_t rename_count;
    bool protected_mode;
    struct vd_tls_options tls;
    size_t query_limit;              /* bytes buffered of one client's input */
    size_t output_hard_limit;        /* normal clients; 0: none; so the others */
    size_t output_hard_limit_pubsub; /* subscribed clients */
    size_t output_soft_limit_pubsub; /* ... for as long as output_soft_pubsub_ms */
    vd_ms output_soft_pubsub_ms;
    char *dir;          /* working directory; NULL: stay */
    char *logfile;      /* NULL: standard error */
    bool log_to_stdout; /* ... or standard output, as Sentinel does */
    enum vd_log_level log_level;
    enum vd_log_format log_format;
    bool syslog_enabled;
    char *syslog_ident;
    char *syslog_facility;
    bool daemonize;
    char *pidfile;
    bool pidfile_is_default; /* nobody has asked for it: no matter if it cannot be written */
    bool supervised_systemd;
    char *state_dir; /* where state is kept; made if missing */
    enum vd_on_save_failure on_save_failure;
    uint16_t http_port; /* 0: no HTTP */
    char *http_bind;    /* one address; NULL: those of bind */
    char *http_token;   /* NULL: everybody may look */
};

/* One mistake in the configuration. Texts are owned; NULL where there is nothing to say. */
struct vd_fault {
    char *file;    /* or "command line", "standard input" */
    unsigned line; /* 0: the file as a whole */
    char *text;    /* the line, its secret masked; classic files only */
    char *reason;
    char *remedy;
};

struct vd_acl; /* acl.h */

/* A user as a line declares it: its name, then its rules. Owns its texts. */
struct vd_config_user {
    struct vd_words words; /* the name, then the rules */
    char *file;
    unsigned line;
    char *text; /* its secrets struck out; NULL in native files */
};

struct vd_config_index; /* groups by name; config.c's own */

struct vd_config {
    char *file; /* absolute path; NULL: none read */
    bool classic;
    enum vd_guise guise; /* set before anything is read */
    bool keeps;          /* set before as well: directives are kept for a file to be written */
    bool includes;       /* the file has included another */
    bool remembers;      /* a classic file that a sentinel has written into: id, epochs */
    bool unsound;        /* ... and votes may be missing in it */
    struct vd_server_options server;
    struct vd_config_user *users; /* as they are declared, in the order of the lines */
    size_t user_count;
    struct vd_alert_config alerts; /* native files only; so the next */
    struct vd_cost_config cost;
    struct vd_acl *acl; /* what they are, by vd_config_make_users or from the ACL file */
    struct vd_globals globals;
    /* Bit per (enum vd_option - VD_OPT_GROUP_COUNT): named in the configuration. */
    uint64_t globals_set;
    struct vd_id myid;      /* "" : not given */
    uint64_t current_epoch; /* from a classic file */
    struct vd_config_group *groups;
    size_t group_count;
    struct vd_config_index *index;
    /* Directives by command line or standard input, which the file is to hold; with `keeps`. */
    char **directives;
    size_t directive_count;
    char **warnings; /* sentences with file:line, e.g. directives accepted and ignored */
    size_t warning_count;
    struct vd_fault *faults; /* in the order in which they were found */
    size_t fault_count;
};

void vd_config_init(struct vd_config *config); /* defaults */
void vd_config_free(struct vd_config *config);

/* NULL when there is none. By hash. Valid until a group is added. */
struct vd_config_group *vd_config_find(const struct vd_config *config, const char *name);

/* A new group with default options; the name must be new. Valid until the next is added. */
struct vd_config_group *vd_config_add(struct vd_config *config, const char *name);

/* A directive to be kept in the file. Copies the line. */
void vd_config_keep(struct vd_config *config, const char *line);

/* Copies all. `words`: the name, then the rules; at least one. */
void vd_config_add_user(struct vd_config *config, const char *file, unsigned line, const char *text,
                        const struct vd_word *words, size_t count);

/* Do users have a file of their own? */
bool vd_config_has_aclfile(const struct vd_config *config);

/* Their rules, requirepass and acl-pubsub-default become config->acl. Faults go into *config. */
void vd_config_make_users(struct vd_config *config);

void vd_config_warn(struct vd_config *config, const char *format, ...) VD_PRINTF(2, 3);

/* Copies its texts; `text` and `remedy` may be NULL. Returns false, to be returned. */
bool vd_config_fault(struct vd_config *config, const char *file, unsigned line, const char *text,
                     const char *reason, const char *remedy);

/* "file:line: reason; remedy" */
void vd_fault_print(const struct vd_fault *fault, struct vd_text *to);

#endif
