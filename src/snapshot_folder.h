/* The files in a folder of snapshots: 000123-NAME.pkl. No Python here. */
#ifndef HOOKING_SNAPSHOT_FOLDER_H
#define HOOKING_SNAPSHOT_FOLDER_H

/* The highest number that one has, 0 for none. */
long snapshot_folder_highest(const char *folder);

/* Remove the oldest, by their numbers, until no more than so many are left. What cannot be removed stays. */
void snapshot_folder_prune(const char *folder, int keep);

#endif
