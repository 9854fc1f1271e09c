/* Read by jemalloc when it starts; MALLOC_CONF in the environment overrides it.
 * One thread computes and a few move bytes, so few arenas; pages go back within a second. */
extern const char* malloc_conf;
const char* malloc_conf =
    "narenas:4,background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0,metadata_thp:disabled";
