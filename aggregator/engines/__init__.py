"""Where the pipeline's work is done: `local`, in one process."""
