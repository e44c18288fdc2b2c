/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Story: what happened among processes, in a form that can be drawn: lanes,
 * messages between them, marks and bands on them, and the phases of failovers.
 * The simulator tells one as it happens, the replay of recordings another; the
 * picture (draw.h) and the transcripts of scenarios are made of the same. It
 * decides nothing, and knows of sentinels only how their notices are read.
 *
 * Instants are microseconds from whatever beginning the teller has chosen.
 * Texts are copied; they may hold any bytes.
 */
#ifndef VD_DRAW_STORY_H
#define VD_DRAW_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define VD_STORY_NEVER INT64_MIN /* an instant that has not come */
#define VD_STORY_NOBODY (-1)     /* of lanes and groups: none, or all */

enum vd_lane_kind {
    VD_LANE_SERVER,   /* a data server */
    VD_LANE_SENTINEL, /* a vedette or another sentinel */
    VD_LANE_CLIENT,
};

/* What a message belongs to: what pictures and transcripts filter by. */
enum vd_talk {
    VD_TALK_QUESTION, /* is it down, your vote; and the answers */
    VD_TALK_ORDER,    /* be primary, follow; and their acknowledgements */
    VD_TALK_HELLO,    /* gossip */
    VD_TALK_INFO,     /* INFO and ROLE */
    VD_TALK_PING,
    VD_TALK_LINK,   /* connections made, refused, closed */
    VD_TALK_STREAM, /* replication */
    VD_TALK_CLIENT, /* clients' requests */
    VD_TALK_COUNT,
};

enum vd_mark {
    VD_MARK_NOTICE, /* a sentinel's event, as its log has it */
    VD_MARK_SAVE,   /* its state is on disk, or is not */
    VD_MARK_LIFE,   /* a process starts, dies, stands still */
    VD_MARK_ROLE,   /* a server changes its role or its data */
    VD_MARK_FAULT,  /* done to them from outside */
    VD_MARK_VERDICT,
    VD_MARK_END, /* how it all stands in the end */
    VD_MARK_COUNT,
};

enum vd_band {
    VD_BAND_SDOWN,
    VD_BAND_ODOWN,
    VD_BAND_CANDIDATE,
    VD_BAND_LEADER,
    VD_BAND_PROMOTED, /* a leader whose choice is primary, while it turns the others */
    VD_BAND_PRIMARY,  /* roles of servers */
    VD_BAND_REPLICA,
    VD_BAND_LOADING,
    VD_BAND_DEAD,
    VD_BAND_PAUSED,
    VD_BAND_COUNT,
};

struct vd_story_lane {
    enum vd_lane_kind kind;
    const char *name;
    const char *detail;
    int group; /* of a server that belongs to one */
};

struct vd_story_message {
    int from;
    int to;
    int64_t sent_at;
    int64_t heard_at; /* NEVER: lost on the way, or nobody was there */
    enum vd_talk talk;
    int group;
    size_t order;   /* set when it is told: what was told before, in the whole story */
    bool estimated; /* one of the instants was not seen, but lies between two that were */
    const char *label;
    const char *detail;
};

struct vd_story_mark {
    int lane; /* NOBODY: of the whole */
    int64_t at;
    enum vd_mark kind;
    size_t order; /* as a message's */
    int group;
    const char *text;
};

struct vd_story_band {
    int lane;
    int64_t from;
    int64_t to; /* NEVER: to the end */
    enum vd_band kind;
    int group;
    const char *text;
};

enum vd_phase {
    VD_PHASE_SILENT, /* from the first sign of trouble until S_DOWN */
    VD_PHASE_SDOWN,  /* ... until O_DOWN */
    VD_PHASE_ODOWN,  /* ... until candidacy */
    VD_PHASE_VOTE,   /* ... until elected */
    VD_PHASE_CHOICE, /* ... until a replica is chosen */
    VD_PHASE_PROMOTION,
    VD_PHASE_TURNING,
    VD_PHASE_COUNT,
};

/* One failover, as its leader keeps it. at[p]: when phase p began; at[COUNT]: the end. */
struct vd_story_failover {
    int lane;
    int group;
    uint64_t epoch;
    int64_t at[VD_PHASE_COUNT + 1];
    int64_t loss_bytes; /* -1 unknown */
    const char *reason;
    const char *result;
    const char *from;
    const char *to;
};

struct vd_story {
    struct vd_arena arena;
    const char *title;
    const char *about; /* may hold several paragraphs, apart by empty lines */
    const char **groups;
    struct vd_story_lane *lanes;
    struct vd_story_message *messages;
    struct vd_story_mark *marks;
    struct vd_story_band *bands;
    struct vd_story_failover *failovers;
    size_t group_count;
    size_t lane_count;
    size_t message_count;
    size_t mark_count;
    size_t band_count;
    size_t failover_count;
};

/* A zeroed struct vd_story is empty and ready. */
void vd_story_free(struct vd_story *story);

void vd_story_name(struct vd_story *story, const char *title, const char *about);

/* Adds one; its number. */
int vd_story_add_lane(struct vd_story *story, const struct vd_story_lane *lane);
/* The group of this name, added if it is new. */
int vd_story_group(struct vd_story *story, const char *name);

/* The number of the message, for vd_story_arrived. */
size_t vd_story_tell(struct vd_story *story, const struct vd_story_message *message);
void vd_story_arrived(struct vd_story *story, size_t message, int64_t at);
void vd_story_mark(struct vd_story *story, const struct vd_story_mark *mark);
void vd_story_failover(struct vd_story *story, const struct vd_story_failover *failover);

/*
 * From here on this lane is in that state for that group. A state of the same
 * sort (what is thought of the primary; whom it stands for; a server's life)
 * ends where the next begins. `leave` ends it without a next.
 */
void vd_story_enter(struct vd_story *story, int lane, int group, enum vd_band kind, int64_t at,
                    const char *text);
void vd_story_leave(struct vd_story *story, int lane, int group, enum vd_band sort, int64_t at);
/* The process is gone: all its states end. */
void vd_story_end_lane(struct vd_story *story, int lane, int64_t at);

/* A notice of a sentinel: a mark, and the bands that follow from it. */
void vd_story_notice(struct vd_story *story, int lane, int64_t at, const char *event,
                     const char *payload);

#endif
