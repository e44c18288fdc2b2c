/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim --scenario: runs scenario files and compares what happened with what
 * their transcripts say, or rewrites these, or draws one.
 */
#include "scenario_main.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "draw/draw.h"
#include "scenario.h"

static const char usage[] =
    "usage: sim --scenario [--rewrite] [--print] [--draw PAGE] FILE...\n\n"
    "Runs the scripts and compares with their transcripts (tests/scenario/README.md).\n"
    "  --rewrite    write what happened below the scripts: read the difference before you keep it\n"
    "  --print      print what happened, compare nothing\n"
    "  --draw PAGE  and a picture of it, for a browser\n";

struct wishes {
    bool rewrite;
    bool print;
    const char *draw;
};

static bool read_whole(const char *path, struct vd_text *text)
{
    FILE *file = fopen(path, "r");
    char chunk[65536];
    size_t len;

    if (file == NULL)
        return false;
    while ((len = fread(chunk, 1, sizeof(chunk), file)) > 0)
        vd_text_add(text, chunk, len);
    return fclose(file) == 0;
}

bool sim_write_whole(const char *path, const struct vd_text *text)
{
    FILE *file = fopen(path, "w");
    bool good = file != NULL && fwrite(text->bytes, 1, text->len, file) == text->len;

    if (file != NULL && fclose(file) != 0)
        good = false;
    if (!good)
        fprintf(stderr, "sim: %s: %s\n", path, strerror(errno));
    return good;
}

/* The first line that is not as it was, and those around it. */
static void show_difference(const char *path, const char *was, const char *is)
{
    int number = 1;

    while (*was != '\0' && *is != '\0') {
        size_t was_len = strcspn(was, "\n");
        size_t is_len = strcspn(is, "\n");

        if (was_len != is_len || memcmp(was, is, is_len) != 0)
            break;
        was += was_len + (was[was_len] == '\n');
        is += is_len + (is[is_len] == '\n');
        number++;
    }
    printf("%s: another transcript from its line %d on:\n", path, number);
    for (int i = 0; i < 4 && (*was != '\0' || *is != '\0'); i++) {
        size_t was_len = strcspn(was, "\n");
        size_t is_len = strcspn(is, "\n");

        printf("  was  %.*s\n  is   %.*s\n", (int)was_len, was, (int)is_len, is);
        was += was_len + (was[was_len] == '\n');
        is += is_len + (is[is_len] == '\n');
    }
    printf("  sim --scenario --rewrite %s keeps the new one; only do so if you know why it "
           "differs.\n",
           path);
}

/* What is to be done with the transcript. False: it is not as it was, or cannot be written. */
static bool settle(const char *path, const struct wishes *wishes, const struct vd_text *file,
                   size_t script_len, const struct vd_text *transcript)
{
    const char *was = vd_text_cstr(file) + script_len;
    struct vd_text whole = {0};
    bool good;

    if (wishes->print) {
        printf("%s", vd_text_cstr(transcript));
        return true;
    }
    was += strcspn(was, "\n");
    was += *was == '\n';
    if (strcmp(was, vd_text_cstr(transcript)) == 0)
        return true;
    if (!wishes->rewrite) {
        show_difference(path, was, vd_text_cstr(transcript));
        return false;
    }
    vd_text_add(&whole, file->bytes, script_len);
    vd_text_puts(&whole, "----\n");
    vd_text_add(&whole, transcript->bytes, transcript->len);
    good = sim_write_whole(path, &whole);
    printf("%s: rewritten\n", path);
    vd_text_free(&whole);
    return good;
}

static bool run_file(const char *path, const struct wishes *wishes)
{
    struct vd_text file = {0};
    struct vd_text transcript = {0};
    struct vd_text page = {0};
    struct vd_story story = {0};
    struct sim_scenario scenario;
    struct sim_result result;
    struct vd_err err;
    bool good = false;

    if (!read_whole(path, &file)) {
        printf("%s: %s\n", path, strerror(errno));
        return false;
    }
    if (!sim_scenario_read(&scenario, vd_text_cstr(&file), &err)) {
        printf("%s: %s\n", path, err.text);
    } else {
        sim_scenario_run(&scenario, &story, &transcript, &result);
        good = settle(path, wishes, &file, scenario.script_len, &transcript);
        if (good && wishes->draw != NULL) {
            vd_draw_page(&story, &page);
            good = sim_write_whole(wishes->draw, &page);
        }
    }
    vd_story_free(&story);
    sim_scenario_free(&scenario);
    vd_text_free(&file);
    vd_text_free(&transcript);
    vd_text_free(&page);
    return good;
}

int sim_scenario_main(int argc, char **argv)
{
    struct wishes wishes = {0};
    int passed = 0;
    int failed = 0;
    int i = 0;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--rewrite") == 0) {
            wishes.rewrite = true;
        } else if (strcmp(argv[i], "--print") == 0) {
            wishes.print = true;
        } else if (strcmp(argv[i], "--draw") == 0 && i + 1 < argc) {
            wishes.draw = argv[++i];
        } else {
            bool help = strcmp(argv[i], "--help") == 0;

            fputs(usage, help ? stdout : stderr);
            return help ? 0 : 2;
        }
    }
    if (i == argc || (wishes.draw != NULL && argc - i > 1)) {
        fputs(usage, stderr);
        return 2;
    }
    for (; i < argc; i++) {
        if (run_file(argv[i], &wishes))
            passed++;
        else
            failed++;
    }
    if (!wishes.print)
        printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
