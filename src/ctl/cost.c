/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cost: what a vedette reckons by the prices in its configuration; the first
 * that has prices is asked.
 */
#include <string.h>

#include "ctl/ctl.h"

static double real_of(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static void put_services(struct vd_ctl *ctl, const json_t *page)
{
    const json_t *services = json_object_get(page, "services");
    const char *currency = vd_ctl_text_of(page, "currency");
    struct vd_ctl_table table;
    struct vd_text cell = {0};

    vd_ctl_table_init(&table, ctl->coloured, 0);
    vd_ctl_cell(&table, VD_CTL_FAINT, "service");
    vd_ctl_cell(&table, VD_CTL_FAINT, "kind");
    vd_ctl_cell_right(&table, VD_CTL_FAINT, "memory");
    vd_ctl_cell_right(&table, VD_CTL_FAINT, "vCPU");
    vd_ctl_cell_right(&table, VD_CTL_FAINT, "egress a day");
    vd_ctl_cell_right(&table, VD_CTL_FAINT, "a day");
    vd_ctl_cell_right(&table, VD_CTL_FAINT, "a month");
    vd_ctl_row_end(&table);
    for (size_t i = 0; i < json_array_size(services); i++) {
        const json_t *one = json_array_get(services, i);

        vd_ctl_cell(&table, VD_CTL_BOLD, "%s", vd_ctl_text_of(one, "service"));
        vd_ctl_cell(&table, VD_CTL_PLAIN, "%s%s", vd_ctl_text_of(one, "kind"),
                    vd_ctl_is(one, "estimated") ? " (estimated)" : "");
        vd_text_clear(&cell);
        vd_ctl_put_bytes(&cell, vd_ctl_number_of(one, "memory_bytes", 0));
        vd_ctl_cell_right(&table, VD_CTL_PLAIN, "%s", vd_text_cstr(&cell));
        vd_ctl_cell_right(&table, VD_CTL_PLAIN, "%.3f", real_of(one, "vcpu"));
        vd_text_clear(&cell);
        vd_ctl_put_bytes(&cell, vd_ctl_number_of(one, "egress_bytes_per_day", 0));
        vd_ctl_cell_right(&table, VD_CTL_PLAIN, "%s", vd_text_cstr(&cell));
        vd_ctl_cell_right(&table, VD_CTL_PLAIN, "%s%.2f", currency, real_of(one, "per_day"));
        vd_ctl_cell_right(&table, VD_CTL_PLAIN, "%s%.2f", currency, real_of(one, "per_month"));
        vd_ctl_row_end(&table);
    }
    vd_ctl_table_put(&table, &ctl->text);
    vd_text_free(&cell);
}

/* Is the budget kept? */
static bool put_sum(struct vd_ctl *ctl, const json_t *page)
{
    const char *currency = vd_ctl_text_of(page, "currency");
    const json_t *budget = json_object_get(page, "budget_per_month");
    double month = real_of(page, "per_month");
    bool kept = !json_is_number(budget) || month <= json_number_value(budget);

    vd_ctl_put_coloured(&ctl->text, ctl->coloured, kept ? VD_CTL_GOOD : VD_CTL_BAD,
                        "%s%.2f a day, %s%.2f a month", currency, real_of(page, "per_day"),
                        currency, month);
    if (json_is_number(budget))
        vd_ctl_put_coloured(&ctl->text, false, VD_CTL_PLAIN, ", %.0f%% of the budget of %s%.2f",
                            100. * real_of(page, "budget_share"), currency,
                            json_number_value(budget));
    vd_text_putc(&ctl->text, '\n');
    return kept;
}

int vd_ctl_run_cost(struct vd_ctl *ctl)
{
    struct vd_err err = {""};
    int status = VD_CTL_WELL;

    if (!vd_ctl_begin(ctl, &status))
        return status;
    for (size_t i = 0; i < ctl->crew.count; i++) {
        struct vd_ctl_mate *mate = &ctl->crew.mates[i];
        json_t *page;

        if (mate->link == NULL || mate->kind != VD_CTL_VEDETTE)
            continue;
        page = vd_ctl_ask_page(mate, "cost", "limit", "1000", &err);
        if (vd_ctl_is(page, "configured")) {
            ctl->json = page;
            put_services(ctl, page);
            return put_sum(ctl, page) ? VD_CTL_WELL : VD_CTL_NOT_WELL;
        }
        json_decref(page);
    }
    (void)vd_ctl_tell_unreached(ctl);
    if (err.text[0] != '\0')
        return vd_ctl_refuse(ctl, VD_CTL_NOT_WELL, "%s", err.text);
    return vd_ctl_refuse(ctl, VD_CTL_NOT_WELL,
                         "no prices are configured; vedette.cfg(5) tells how to give them");
}
