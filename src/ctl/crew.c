/* SPDX-License-Identifier: BSD-3-Clause */
/* Crew: see crew.h. */
#include "ctl/crew.h"

#include <string.h>

#include "ctl/ctl.h"
#include "proto/addr.h"

#define CREW_MAX 256 /* more than that are no crew but somebody's lie */

/* Getting to know one ----------------------------------------------------------------------- */

static enum vd_ctl_kind kind_of(const json_t *info)
{
    const char *mode = vd_ctl_text_of(info, "redis_mode");

    if (mode[0] == '\0')
        mode = vd_ctl_text_of(info, "server_mode");
    if (vd_ctl_text_of(info, "vedette_version")[0] != '\0')
        return VD_CTL_VEDETTE;
    if (strcmp(mode, "sentinel") != 0)
        return VD_CTL_UNKNOWN;
    return vd_ctl_text_of(info, "valkey_version")[0] != '\0' ? VD_CTL_VALKEY : VD_CTL_REDIS;
}

static bool read_info(struct vd_ctl_mate *mate, struct vd_err *err)
{
    int64_t sent_us = vd_ctl_wall_us();
    json_t *text = vd_ctl_ask(mate, err, "INFO", (char *)NULL);
    int64_t half_us = (vd_ctl_wall_us() - sent_us) / 2;
    int64_t there_us;

    if (text == NULL)
        return false;
    json_decref(mate->info);
    mate->info = vd_ctl_info_fields(json_is_string(text) ? json_string_value(text) : "");
    json_decref(text);
    mate->kind = kind_of(mate->info);
    there_us = vd_ctl_number_of(mate->info, "server_time_usec", 0);
    mate->clock_error_us = there_us > 0 ? half_us : -1;
    mate->clock_us = there_us > 0 ? there_us - sent_us - half_us : 0;
    if (mate->kind == VD_CTL_UNKNOWN)
        return vd_err_set(err,
                          "%s: it is no sentinel; give the sentinel's port, which is 26379 "
                          "unless it was configured",
                          mate->name);
    return true;
}

static bool read_masters(struct vd_ctl_mate *mate, struct vd_err *err)
{
    json_t *masters = vd_ctl_ask(mate, err, "SENTINEL", "MASTERS", (char *)NULL);
    json_t *id;

    if (masters == NULL)
        return false;
    json_decref(mate->masters);
    mate->masters = vd_ctl_objects_of(masters);
    json_decref(masters);
    json_decref(mate->by_name);
    mate->by_name = json_object();
    for (size_t i = 0; i < json_array_size(mate->masters); i++) {
        json_t *master = json_array_get(mate->masters, i);

        json_object_set(mate->by_name, vd_ctl_text_of(master, "name"), master);
    }
    id = vd_ctl_ask(mate, err, "SENTINEL", "MYID", (char *)NULL);
    if (id == NULL)
        return false;
    vd_free(mate->id);
    mate->id = vd_strdup(json_is_string(id) ? json_string_value(id) : "");
    json_decref(id);
    return true;
}

static void meet(struct vd_ctl_crew *crew, struct vd_ctl_mate *mate)
{
    struct vd_err err = {""};
    bool refused;

    if (mate->link == NULL && mate->error != NULL && vd_ctl_now() < mate->retry_at)
        return;
    if (mate->link == NULL)
        mate->link = vd_ctl_link_open(&crew->access, mate->host, mate->port, &refused, &err);
    if (mate->link == NULL) {
        vd_ctl_lose(mate, &err);
    } else if (read_info(mate, &err) && read_masters(mate, &err)) {
        vd_free(mate->error);
        mate->error = NULL;
    } else {
        if (strstr(err.text, "NOAUTH") != NULL)
            (void)vd_err_set(&err,
                             "%s: it wants a password: set VEDETTE_PASSWORD, or give "
                             "--password-file or --ask-password",
                             mate->name);
        vd_ctl_lose(mate, &err);
    }
}

/* Finding all -----------------------------------------------------------------------------------
 */

static struct vd_ctl_mate *add_mate(struct vd_ctl_crew *crew, const char *host, uint16_t port)
{
    struct vd_text name = {0};
    struct vd_ctl_mate *mate;

    vd_addr_print(host, port, &name);
    crew->mates = vd_realloc(crew->mates, (crew->count + 1) * sizeof(crew->mates[0]));
    mate = &crew->mates[crew->count++];
    *mate = (struct vd_ctl_mate){
        .host = vd_strdup(host), .port = port, .name = vd_strdup(vd_text_cstr(&name))};
    vd_text_free(&name);
    return mate;
}

/* By its id, which stays when its address changes, or by its address. */
static struct vd_ctl_mate *find_mate(struct vd_ctl_crew *crew, const char *id, const char *name)
{
    for (size_t i = 0; i < crew->count; i++)
        if (id[0] != '\0' && crew->mates[i].id != NULL && strcmp(crew->mates[i].id, id) == 0)
            return &crew->mates[i];
    for (size_t i = 0; i < crew->count; i++)
        if (strcmp(crew->mates[i].name, name) == 0)
            return &crew->mates[i];
    return NULL;
}

/* What one of the others says of a mate that does not answer: who that is, and where it is now. */
static void correct(struct vd_ctl_mate *mate, const char *id, const char *host, uint16_t port,
                    const char *name)
{
    mate->is_known = true;
    if (mate->link != NULL)
        return;
    if (mate->id == NULL)
        mate->id = vd_strdup(id);
    if (mate->is_named || strcmp(mate->name, name) == 0)
        return;
    vd_free(mate->host);
    vd_free(mate->name);
    vd_free(mate->error);
    mate->host = vd_strdup(host);
    mate->port = port;
    mate->name = vd_strdup(name);
    mate->error = NULL;
}

/* Those whom it knows of one group, if they are new. */
static void add_peers(struct vd_ctl_crew *crew, const json_t *replies)
{
    json_t *peers = vd_ctl_objects_of(replies);

    for (size_t i = 0; i < json_array_size(peers) && crew->count < CREW_MAX; i++) {
        const json_t *peer = json_array_get(peers, i);
        const char *ip = vd_ctl_text_of(peer, "ip");
        const char *port_text = vd_ctl_text_of(peer, "port");
        const char *id = vd_ctl_text_of(peer, "runid");
        struct vd_text name = {0};
        struct vd_ctl_mate *mate;
        struct vd_addr addr;
        uint16_t port;

        if (!vd_port_parse(port_text, strlen(port_text), &port) || port == 0 ||
            !vd_addr_set(&addr, ip, strlen(ip), port))
            continue;
        vd_addr_print(ip, port, &name);
        mate = find_mate(crew, id, vd_text_cstr(&name));
        if (mate == NULL)
            mate = add_mate(crew, ip, port);
        correct(mate, id, ip, port, vd_text_cstr(&name));
        vd_text_free(&name);
        if (mate->link == NULL && mate->error == NULL)
            meet(crew, mate);
    }
    json_decref(peers);
}

/* Whom one of them knows, of every group or of the one that is meant. It moves when the crew
 * grows. */
static void find_more(struct vd_ctl_crew *crew, size_t place, const char *group)
{
    struct vd_ctl_mate *mate = &crew->mates[place];
    json_t *masters = json_incref(mate->masters);
    size_t count = json_array_size(masters);
    struct vd_ctl_question *questions = vd_calloc(count + 1, sizeof(questions[0]));
    size_t asked = 0;

    for (size_t i = 0; i < count; i++) {
        const char *name = vd_ctl_text_of(json_array_get(masters, i), "name");

        if (group == NULL || strcmp(group, name) == 0)
            questions[asked++] = (struct vd_ctl_question){.words = {"SENTINEL", "SENTINELS", name}};
    }
    vd_ctl_ask_all(mate, questions, asked);
    for (size_t i = 0; i < asked; i++)
        add_peers(crew, questions[i].reply);
    vd_ctl_questions_free(questions, asked);
    json_decref(masters);
}

static void free_mate(struct vd_ctl_mate *mate)
{
    vd_ctl_link_close(mate->link);
    vd_free(mate->host);
    vd_free(mate->name);
    vd_free(mate->error);
    vd_free(mate->id);
    json_decref(mate->info);
    json_decref(mate->masters);
    json_decref(mate->by_name);
}

static void drop_mate(struct vd_ctl_crew *crew, size_t place)
{
    free_mate(&crew->mates[place]);
    crew->count--;
    memmove(&crew->mates[place], &crew->mates[place + 1],
            (crew->count - place) * sizeof(crew->mates[0]));
}

/* Two names may lead to the same one. */
static void drop_doubles(struct vd_ctl_crew *crew)
{
    for (size_t i = 0; i < crew->count; i++) {
        for (size_t j = i + 1; j < crew->count;) {
            const struct vd_ctl_mate *one = &crew->mates[j];

            if (one->id != NULL && one->id[0] != '\0' && crew->mates[i].id != NULL &&
                strcmp(one->id, crew->mates[i].id) == 0)
                drop_mate(crew, j);
            else
                j++;
        }
    }
}

/* Who was found long ago, does not answer, and is known to nobody any more, has been forgotten. */
static void drop_forgotten(struct vd_ctl_crew *crew)
{
    bool any = false;

    for (size_t i = 0; i < crew->count; i++)
        any = any || crew->mates[i].link != NULL;
    for (size_t i = 0; any && i < crew->count;) {
        const struct vd_ctl_mate *mate = &crew->mates[i];

        if (mate->link == NULL && !mate->is_named && !mate->is_known)
            drop_mate(crew, i);
        else
            i++;
    }
}

static void name_all(struct vd_ctl_crew *crew, const struct vd_ctl_options *options)
{
    for (size_t i = 0; i < options->place_count; i++) {
        const struct vd_ctl_place *place = &options->places[i];
        struct vd_text name = {0};

        vd_addr_print(place->host, place->port, &name);
        if (find_mate(crew, "", vd_text_cstr(&name)) == NULL)
            add_mate(crew, place->host, place->port)->is_named = true;
        vd_text_free(&name);
    }
}

void vd_ctl_crew_gather(struct vd_ctl_crew *crew, const struct vd_ctl_options *options)
{
    if (crew->count == 0)
        name_all(crew, options);
    for (size_t i = 0; i < crew->count; i++) {
        crew->mates[i].is_known = false;
        meet(crew, &crew->mates[i]);
    }
    drop_doubles(crew);
    if (options->only)
        return;
    /* Also those who are found in this very round are asked whom they know. */
    for (size_t i = 0; i < crew->count; i++)
        if (crew->mates[i].link != NULL)
            find_more(crew, i, options->group);
    drop_forgotten(crew);
}

/* What they say ----------------------------------------------------------------------------------
 */

void vd_ctl_put_address(const json_t *fields, const char *host, const char *port,
                        struct vd_text *to)
{
    vd_addr_print(vd_ctl_text_of(fields, host), (uint16_t)vd_ctl_number_of(fields, port, 0), to);
}

bool vd_ctl_has_flag(const json_t *fields, const char *flag)
{
    const char *flags = vd_ctl_text_of(fields, "flags");
    size_t len = strlen(flag);

    for (const char *at = flags; (at = strstr(at, flag)) != NULL; at += len)
        if ((at == flags || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
            return true;
    return false;
}

const char *vd_ctl_version_of(const struct vd_ctl_mate *mate)
{
    static const char *const fields[] = {"redis_version", "vedette_version", "redis_version",
                                         "valkey_version"};

    return vd_ctl_text_of(mate->info, fields[mate->kind]);
}

const json_t *vd_ctl_master_of(const struct vd_ctl_mate *mate, const char *group)
{
    return mate->link == NULL ? NULL : json_object_get(mate->by_name, group);
}

struct vd_ctl_mate *vd_ctl_best_mate(const struct vd_ctl_crew *crew, const char *group)
{
    struct vd_ctl_mate *best = NULL;
    int64_t best_epoch = 0;

    for (size_t i = 0; i < crew->count; i++) {
        const json_t *master = vd_ctl_master_of(&crew->mates[i], group);
        int64_t epoch = vd_ctl_number_of(master, "config-epoch", 0);

        if (master == NULL)
            continue;
        if (best == NULL || epoch > best_epoch ||
            (epoch == best_epoch && best->kind != VD_CTL_VEDETTE &&
             crew->mates[i].kind == VD_CTL_VEDETTE)) {
            best_epoch = epoch;
            best = &crew->mates[i];
        }
    }
    return best;
}

const char *vd_ctl_kind_name(enum vd_ctl_kind kind)
{
    static const char *const names[] = {"unknown", "vedette", "redis-sentinel", "valkey-sentinel"};

    return names[kind];
}

/* Life ----------------------------------------------------------------------------------------- */

bool vd_ctl_crew_init(struct vd_ctl_crew *crew, const struct vd_ctl_options *options,
                      struct vd_err *err)
{
    bool expired;

    *crew = (struct vd_ctl_crew){.access = {.user = options->user,
                                            .pass = options->pass,
                                            .timeout_ms = options->timeout_ms}};
    if (!options->use_tls)
        return true;
    crew->keys = vd_tls_keys_load(&options->tls, NULL, &expired, err);
    crew->access.keys = crew->keys;
    return crew->keys != NULL;
}

void vd_ctl_crew_free(struct vd_ctl_crew *crew)
{
    for (size_t i = 0; i < crew->count; i++)
        free_mate(&crew->mates[i]);
    vd_free(crew->mates);
    vd_tls_keys_release(crew->keys);
}
