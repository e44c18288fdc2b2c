/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pack: orders and their settings; see pack.h. The way back refuses what the
 * core may assert to be absent: a setting of the wrong kind, an order without
 * its name.
 */
#include "proto/option.h"
#include "proto/pack.h"

#define SETTING_LEAST 6 /* bytes */

static bool is_secret(enum vd_option option)
{
    return vd_option_row(option)->kind == VD_KIND_SECRET;
}

static bool needs_name(enum vd_order_type type)
{
    return type == VD_ORDER_FAILOVER || type == VD_ORDER_RESET || type == VD_ORDER_MONITOR ||
           type == VD_ORDER_REMOVE || type == VD_ORDER_SET || type == VD_ORDER_FORGET ||
           type == VD_ORDER_PAUSE || type == VD_ORDER_RESUME;
}

void vd_pack_order(const struct vd_order *order, const struct vd_veil *veil, struct vd_text *to)
{
    vd_pack_number(order->type, to);
    vd_pack_string(order->name, to);
    vd_pack_addr(&order->addr, to);
    vd_pack_number(order->quorum, to);
    vd_pack_number(order->flags, to);
    vd_pack_number(order->setting_count, to);
    for (size_t i = 0; i < order->setting_count; i++) {
        const struct vd_setting *setting = &order->settings[i];

        vd_pack_number(setting->option, to);
        vd_pack_signed(setting->number, to);
        if (is_secret(setting->option))
            vd_pack_secret(setting->text, veil, to);
        else
            vd_pack_string(setting->text, to);
        vd_pack_string(setting->text2, to);
        vd_pack_string(setting->word, to);
        vd_pack_string(setting->shown, to);
    }
    vd_pack_string(order->error, to);
    vd_pack_string(order->id.hex, to);
    vd_pack_signed(order->for_ms, to);
}

/* A number must be one that the option takes; a rename has both texts. */
static void check_setting(struct vd_unpack *from, const struct vd_setting *setting,
                          enum vd_order_type type)
{
    const struct vd_option_row *row = vd_option_row(setting->option);
    bool of_group = setting->option < VD_OPT_GROUP_COUNT;
    int64_t max = row->max;

    if (of_group ? type != VD_ORDER_SET : type != VD_ORDER_CONFIGURE)
        vd_unpack_fail(from, "an order sets what it cannot");
    switch (row->kind) {
    case VD_KIND_BOOL:
        max = 1;
        break;
    case VD_KIND_CHOICE:
        for (max = -1; row->choices[max + 1] != NULL;)
            max++;
        break;
    case VD_KIND_COUNT:
    case VD_KIND_DURATION:
    case VD_KIND_SIZE:
        break;
    case VD_KIND_RENAME:
        if (setting->text == NULL || setting->text2 == NULL)
            vd_unpack_fail(from, "a rename lacks a name");
        return;
    case VD_KIND_TEXT:
    case VD_KIND_HOST:
    case VD_KIND_SECRET:
    case VD_KIND_SCRIPT:
        return;
    }
    if (setting->number < row->min || setting->number > max)
        vd_unpack_fail(from, "a setting is out of its range");
}

static void unpack_setting(struct vd_unpack *from, struct vd_setting *out, enum vd_order_type type)
{
    out->option = (enum vd_option)vd_unpack_number(from, VD_OPT_COUNT - 1);
    out->number = vd_unpack_signed(from);
    out->text = vd_unpack_string(from);
    out->text2 = vd_unpack_string(from);
    out->word = vd_unpack_string(from);
    out->shown = vd_unpack_string(from);
    check_setting(from, out, type);
}

const struct vd_order *vd_unpack_order(struct vd_unpack *from)
{
    struct vd_order *order = vd_arena_alloc(from->arena, sizeof(*order));
    struct vd_setting *settings;
    const char *id;

    order->type = (enum vd_order_type)vd_unpack_number(from, VD_ORDER_COUNT - 1);
    order->name = vd_unpack_string(from);
    if (order->name == NULL && needs_name(order->type))
        vd_unpack_fail(from, "an order lacks its name");
    vd_unpack_addr(from, &order->addr);
    order->quorum = (unsigned)vd_unpack_number(from, UINT32_MAX);
    order->flags = (unsigned)vd_unpack_number(from, UINT32_MAX);
    order->setting_count = vd_unpack_count(from, SETTING_LEAST);
    settings = vd_arena_alloc(from->arena, order->setting_count * sizeof(*settings));
    for (size_t i = 0; i < order->setting_count; i++)
        unpack_setting(from, &settings[i], order->type);
    order->settings = settings;
    order->error = vd_unpack_string(from);
    id = vd_unpack_string(from);
    if (id == NULL || !vd_copy(order->id.hex, sizeof(order->id.hex), id))
        vd_unpack_fail(from, "an order is about an id that is too long");
    order->for_ms = vd_unpack_signed(from);
    return order;
}
