/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pack: images; see pack.h. Options are texts, each as the option table
 * prints and reads it, so that a new option needs nothing here.
 */
#include <string.h>

#include "proto/option.h"
#include "proto/pack.h"

/* The fewest bytes that can be an address, a peer, a group. */
#define ADDR_LEAST 3
#define PEER_LEAST (1 + ADDR_LEAST)
#define GROUP_LEAST (10 + ADDR_LEAST + VD_OPT_GROUP_COUNT)

/* Writing ------------------------------------------------------------------------ */

static void pack_value(enum vd_option option, const struct vd_text *value,
                       const struct vd_veil *veil, struct vd_text *to)
{
    if (vd_option_row(option)->kind == VD_KIND_SECRET)
        vd_pack_secret(vd_text_cstr(value), veil, to);
    else
        vd_pack_string(vd_text_cstr(value), to);
}

static void pack_options(const struct vd_options *options, const struct vd_veil *veil,
                         struct vd_text *to)
{
    struct vd_text value = {0};

    for (int i = 0; i < VD_OPT_GROUP_COUNT; i++) {
        vd_text_clear(&value);
        vd_option_print_group((enum vd_option)i, options, &value);
        pack_value((enum vd_option)i, &value, veil, to);
    }
    vd_text_free(&value);
}

static void pack_globals(const struct vd_globals *globals, const struct vd_veil *veil,
                         struct vd_text *to)
{
    struct vd_text value = {0};

    for (int i = VD_OPT_GROUP_COUNT; i < VD_OPT_COUNT; i++) {
        vd_text_clear(&value);
        vd_option_print_global((enum vd_option)i, globals, &value);
        pack_value((enum vd_option)i, &value, veil, to);
    }
    vd_text_free(&value);
    vd_pack_number(globals->listen_port, to);
}

static void pack_group(const struct vd_image_group *group, const struct vd_veil *veil,
                       struct vd_text *to)
{
    vd_pack_string(group->name, to);
    vd_pack_number(group->from_config, to);
    vd_pack_addr(&group->primary, to);
    vd_pack_number(group->config_epoch, to);
    vd_pack_number(group->vote_epoch, to);
    vd_pack_string(group->vote.hex, to);
    vd_pack_string(group->lineage.hex, to);
    vd_pack_string(group->lineage_before.hex, to);
    pack_options(group->options, veil, to);
    vd_pack_number(group->set_at_runtime, to);
    vd_pack_number(group->replica_count, to);
    for (size_t i = 0; i < group->replica_count; i++)
        vd_pack_addr(&group->replicas[i], to);
    vd_pack_number(group->replicas_are_hints, to);
    vd_pack_number(group->peer_count, to);
    for (size_t i = 0; i < group->peer_count; i++) {
        vd_pack_string(group->peers[i].id.hex, to);
        vd_pack_addr(&group->peers[i].addr, to);
    }
}

void vd_pack_image(const struct vd_image *image, const struct vd_veil *veil, struct vd_text *to)
{
    vd_pack_string(image->self.hex, to);
    vd_pack_number(image->epoch, to);
    pack_globals(image->globals, veil, to);
    vd_pack_number(image->set_at_runtime, to);
    vd_pack_number(image->group_count, to);
    for (size_t i = 0; i < image->group_count; i++)
        pack_group(&image->groups[i], veil, to);
    vd_pack_number(image->removed_count, to);
    for (size_t i = 0; i < image->removed_count; i++)
        vd_pack_string(image->removed[i], to);
}

/* Reading ------------------------------------------------------------------------ */

/* One form only: what is read must be printed so. */
static void check_form(struct vd_unpack *from, const char *text, const struct vd_text *printed)
{
    if (strcmp(text, vd_text_cstr(printed)) != 0)
        vd_unpack_fail(from, "an option is not written in its own form");
}

static void unpack_options(struct vd_unpack *from, struct vd_options *out)
{
    struct vd_text printed = {0};

    for (int i = 0; i < VD_OPT_GROUP_COUNT; i++) {
        const char *text = vd_unpack_text(from);

        if (from->complaint == NULL && !vd_option_read_group((enum vd_option)i, text, out, NULL))
            vd_unpack_fail(from, "a group has an option that cannot be");
        if (from->complaint != NULL)
            break;
        vd_text_clear(&printed);
        vd_option_print_group((enum vd_option)i, out, &printed);
        check_form(from, text, &printed);
    }
    vd_text_free(&printed);
}

static void unpack_globals(struct vd_unpack *from, struct vd_globals *out)
{
    struct vd_text printed = {0};

    for (int i = VD_OPT_GROUP_COUNT; i < VD_OPT_COUNT; i++) {
        const char *text = vd_unpack_text(from);

        if (from->complaint == NULL && !vd_option_read_global((enum vd_option)i, text, out, NULL))
            vd_unpack_fail(from, "an option is one that cannot be");
        if (from->complaint != NULL)
            break;
        vd_text_clear(&printed);
        vd_option_print_global((enum vd_option)i, out, &printed);
        check_form(from, text, &printed);
    }
    vd_text_free(&printed);
    out->listen_port = (uint16_t)vd_unpack_number(from, UINT16_MAX);
}

static void unpack_members(struct vd_unpack *from, struct vd_image_group *out)
{
    struct vd_addr *replicas;
    struct vd_image_peer *peers;

    out->replica_count = vd_unpack_count(from, ADDR_LEAST);
    replicas = vd_arena_alloc(from->arena, out->replica_count * sizeof(*replicas));
    for (size_t i = 0; i < out->replica_count; i++)
        vd_unpack_addr(from, &replicas[i]);
    out->replicas = replicas;
    out->replicas_are_hints = vd_unpack_bool(from);
    out->peer_count = vd_unpack_count(from, PEER_LEAST);
    peers = vd_arena_alloc(from->arena, out->peer_count * sizeof(*peers));
    for (size_t i = 0; i < out->peer_count; i++) {
        vd_unpack_array(from, peers[i].id.hex, sizeof(peers[i].id.hex));
        vd_unpack_addr(from, &peers[i].addr);
    }
    out->peers = peers;
}

static void unpack_group(struct vd_unpack *from, const struct vd_globals *globals,
                         struct vd_image_group *out, struct vd_options *options)
{
    out->name = vd_unpack_text(from);
    if (strlen(out->name) >= VD_NAME_SIZE)
        vd_unpack_fail(from, "the name of a group is too long");
    out->from_config = vd_unpack_bool(from);
    vd_unpack_addr(from, &out->primary);
    out->config_epoch = vd_unpack_number(from, UINT64_MAX);
    out->vote_epoch = vd_unpack_number(from, UINT64_MAX);
    vd_unpack_array(from, out->vote.hex, sizeof(out->vote.hex));
    vd_unpack_array(from, out->lineage.hex, sizeof(out->lineage.hex));
    vd_unpack_array(from, out->lineage_before.hex, sizeof(out->lineage_before.hex));
    vd_options_init(options, globals);
    unpack_options(from, options);
    out->options = options;
    out->set_at_runtime = vd_unpack_number(from, UINT64_MAX);
    unpack_members(from, out);
}

/* A group for each, as long as there is anything left to read. */
static void unpack_groups(struct vd_unpack *from, struct vd_unpacked_image *out)
{
    size_t count = vd_unpack_count(from, GROUP_LEAST);
    struct vd_image_group *groups = vd_arena_alloc(from->arena, count * sizeof(*groups));

    out->options = vd_calloc(count, sizeof(*out->options));
    for (size_t i = 0; i < count && from->complaint == NULL; i++) {
        unpack_group(from, &out->globals, &groups[i], &out->options[i]);
        out->option_count++;
        for (size_t k = 0; k < i; k++) {
            if (strcmp(groups[k].name, groups[i].name) == 0)
                vd_unpack_fail(from, "two groups have one name");
        }
    }
    out->image.groups = groups;
    out->image.group_count = from->complaint == NULL ? count : 0;
}

void vd_unpack_image(struct vd_unpack *from, struct vd_unpacked_image *out)
{
    memset(out, 0, sizeof(*out));
    vd_globals_init(&out->globals);
    vd_unpack_array(from, out->image.self.hex, sizeof(out->image.self.hex));
    if (out->image.self.hex[0] == '\0')
        vd_unpack_fail(from, "an image has no id");
    out->image.epoch = vd_unpack_number(from, UINT64_MAX);
    unpack_globals(from, &out->globals);
    out->image.globals = &out->globals;
    out->image.set_at_runtime = vd_unpack_number(from, UINT64_MAX);
    unpack_groups(from, out);
    if (vd_unpack_count(from, 1) != 0)
        vd_unpack_fail(from, "an image to start from has removed groups");
}

void vd_unpacked_image_free(struct vd_unpacked_image *image)
{
    for (size_t i = 0; i < image->option_count; i++)
        vd_options_free(&image->options[i]);
    vd_free(image->options);
    vd_globals_free(&image->globals);
    memset(image, 0, sizeof(*image));
}
