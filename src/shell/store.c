/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Store: what is the same whatever the format: who gets a receipt, and when
 * the state may be trusted. See store.h.
 */
#include <string.h>

#include "shell/log.h"
#include "shell/store_port.h"

void vd_store_close(struct vd_store *store)
{
    if (store != NULL)
        store->ops->close(store);
}

void vd_store_configured(struct vd_store *store, const struct vd_config *config)
{
    store->config = config;
}

void vd_store_use_users(struct vd_store *store, const struct vd_acl *users)
{
    store->users = users;
}

static bool is_volatile(const struct vd_store *store)
{
    return store->config != NULL && store->config->server.on_save_failure == VD_SAVE_VOLATILE;
}

bool vd_store_save(struct vd_store *store, const struct vd_image *image, struct vd_receipt *receipt,
                   struct vd_err *err)
{
    if (store->ops->save(store, image, err)) {
        if (store->behind)
            vd_log(VD_LOG_WARNING, "the state can be saved again");
        store->behind = false;
        store->unsound_on_disk = store->unsound;
        receipt->durable = true;
        return true;
    }
    /* Only when the disk says already that it may not be trusted. */
    if (!is_volatile(store) || !store->unsound_on_disk)
        return false;
    if (!store->behind)
        vd_log(VD_LOG_WARNING,
               "the state cannot be saved: %s; votes are given from memory (on-save-failure = "
               "volatile)",
               err->text);
    store->behind = true;
    receipt->durable = true;
    return true;
}

bool vd_store_wants_all(const struct vd_store *store)
{
    return store->behind || store->ops->whole;
}

void vd_store_set_unsound(struct vd_store *store, bool unsound)
{
    store->unsound = unsound || is_volatile(store);
}

bool vd_store_is_unsound(const struct vd_store *store)
{
    return store->unsound_on_disk;
}

bool vd_store_settle(struct vd_store *store, bool leaving, struct vd_err *err)
{
    if (!store->unsound_on_disk || (is_volatile(store) && !leaving))
        return true;
    if (store->behind)
        return vd_err_set(err, "saves were missed");
    if (!store->ops->settle(store, err))
        return false;
    store->unsound_on_disk = false;
    return true;
}

bool vd_store_load(struct vd_store *store, struct vd_saved *saved, bool *found, struct vd_err *err)
{
    memset(saved, 0, sizeof(*saved));
    *found = false;
    err->text[0] = '\0';
    return store->ops->load(store, saved, found, err);
}

bool vd_store_record(struct vd_store *store, struct vd_history_entry *entries, size_t count,
                     struct vd_err *err)
{
    for (size_t i = 0; i < count; i++)
        entries[i].id = 0;
    return store->ops->record(store, entries, count, err);
}

bool vd_store_witness(struct vd_store *store, struct vd_history_entry *entries, size_t count,
                      struct vd_err *err)
{
    return store->ops->witness == NULL || store->ops->witness(store, entries, count, err);
}

bool vd_store_history(struct vd_store *store,
                      void (*each)(void *self, const struct vd_history_entry *entry), void *self,
                      struct vd_err *err)
{
    err->text[0] = '\0';
    return store->ops->history == NULL || store->ops->history(store, each, self, err);
}

bool vd_store_put_alerts(struct vd_store *store, const struct vd_store_alert *alerts, size_t count,
                         struct vd_err *err)
{
    return store->ops->put_alerts == NULL || store->ops->put_alerts(store, alerts, count, err);
}

bool vd_store_alerts(struct vd_store *store,
                     void (*each)(void *self, const struct vd_store_alert *alert), void *self,
                     struct vd_err *err)
{
    err->text[0] = '\0';
    return store->ops->alerts == NULL || store->ops->alerts(store, each, self, err);
}

void vd_saved_free(struct vd_saved *saved)
{
    for (size_t i = 0; saved->options != NULL && i < saved->image.group_count; i++)
        vd_options_free(&saved->options[i]);
    if (saved->globals != NULL)
        vd_globals_free(saved->globals);
    vd_arena_free(&saved->arena);
    memset(saved, 0, sizeof(*saved));
}
