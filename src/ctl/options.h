/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options: the command line and the environment become values; the tables of
 * commands and options, from which help is printed, too. Passwords are taken
 * from the environment, a file or the terminal: a command line is seen by all.
 */
#ifndef VD_CTL_OPTIONS_H
#define VD_CTL_OPTIONS_H

#include <stdio.h>

#include "base/err.h"
#include "proto/config.h"

struct vd_ctl;

struct vd_ctl_place {
    char *host;
    uint16_t port;
};

/* Texts are owned. */
struct vd_ctl_options {
    const struct vd_ctl_command *command; /* NULL: help or version was asked for */
    bool help;
    bool version;
    struct vd_ctl_place *places; /* sentinels to be asked first */
    size_t place_count;
    bool only; /* ask no others */
    char *user;
    char *pass;      /* NULL: none */
    char *node_user; /* how data servers are spoken to, for check */
    char *node_pass;
    char *config_file;
    struct vd_config *config;  /* of the daemon; NULL: none was given */
    struct vd_tls_options tls; /* texts borrowed from `owned` or the configuration */
    char *ca_cert_file;        /* of the command line, so the next two */
    char *cert_file;
    char *key_file;
    bool use_tls;
    bool ask_password;
    bool json;
    int timeout_ms;
    char *group;
    bool all;
    bool coordinated;
    bool dry_run;
    char *to;
    int64_t for_ms;   /* -1: not given */
    int64_t every_ms; /* of watch */
    int64_t wait_ms;  /* for the end of a failover; -1: not given */
    char **words;     /* what the command is given besides */
    size_t word_count;
};

struct vd_ctl_command {
    const char *name;
    const char *usage; /* of its words */
    const char *summary;
    int (*run)(struct vd_ctl *ctl);
    size_t most_words;
};

/* The commands, ended by a row without a name. */
extern const struct vd_ctl_command vd_ctl_commands[];

/*
 * Read the command line, then the environment for what it does not say. False
 * with the reason; *options is to be freed in any case.
 */
bool vd_ctl_options_read(struct vd_ctl_options *options, int argc, char **argv,
                         struct vd_err *err) VD_MUSTCHECK;
void vd_ctl_options_free(struct vd_ctl_options *options);

/* "host", "host:port", "[ip6]:port" to the places. */
bool vd_ctl_options_add_place(struct vd_ctl_options *options, const char *text,
                              struct vd_err *err) VD_MUSTCHECK;

/* The files that the command line names take the place of those that are configured. */
void vd_ctl_options_put_tls(const struct vd_ctl_options *options, struct vd_tls_options *tls);

/* Of a command, or of all with NULL. */
void vd_ctl_help(const struct vd_ctl_command *command, FILE *out);

#endif
