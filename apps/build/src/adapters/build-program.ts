// A thread's program: imports kernels and builds fixes, and keeps the profiles that it has loaded.
import { FolderBlobStore } from '#libs/blobs';
import { serveJobs } from '#libs/threads';
import { GitTreeStore } from '#libs/trees';
import { Workshop } from '../workshop.js';
import type { BuildSetting, Job, Outcome } from './build-thread.js';
import { ProfileFolder } from './profile-folder.js';

serveJobs(({ blobsDir, treesDir, profilesDir }: BuildSetting) => {
  const blobs = new FolderBlobStore(blobsDir);
  const workshop = new Workshop(blobs, new GitTreeStore(treesDir), new ProfileFolder(profilesDir, blobs));
  return async (job: Job): Promise<Outcome> => {
    if (job.kind === 'import') return workshop.importKernel(job.received);
    return job.kind === 'fix' ? workshop.buildFix(job.fix) : workshop.buildLevel(job.level);
  };
});
