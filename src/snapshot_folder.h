/* The files in a folder of snapshots: 000123-NAME.pkl. No Python here. */
#ifndef HOOKING_SNAPSHOT_FOLDER_H
#define HOOKING_SNAPSHOT_FOLDER_H

/* Which of them stay; 0 where a rule does not hold. */
typedef struct SnapshotRules {
    int keep;           /* how many, */
    int keep_every;     /* beside those whose number is a multiple of this */
    long long max_size; /* bytes, of all together: those go too, and the oldest first, but never the last one */
} SnapshotRules;

/* The highest number that one has, 0 for none. */
long snapshot_folder_highest(const char *folder);

/* The file that has the last number that somebody has taken. */
#define SNAPSHOT_FOLDER_LAST ".last"

/* A number for the next one, that is above `least` and that no other process gets, even if this one has written nothing
 * when it is killed. 0 with errno: of that file; EWOULDBLOCK if another process keeps it locked. */
long snapshot_folder_take_number(const char *folder, long least);

/* Remove the oldest, by their numbers, until the rules hold. What cannot be removed stays. */
void snapshot_folder_prune(const char *folder, const SnapshotRules *rules);

#endif
