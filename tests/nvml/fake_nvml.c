/* A stand-in for NVIDIA's libnvidia-ml.so.1 whose readings come from a text file.
 *
 * Build:   gcc -shared -fPIC -O2 -Wl,-soname,libnvidia-ml.so.1 -o libnvidia-ml.so.1 fake_nvml.c -lpthread
 * Use:     put the directory it is in into LD_LIBRARY_PATH (or install it as /usr/lib/.../libnvidia-ml.so.1) and name
 *          the file of readings in the environment variable LEPTON_FAKE_NVML. Without that variable the file is
 *          /etc/fake_nvml, so that a host whose logins carry no environment can have one too.
 *
 * The file is read again whenever it has changed; write a new one and rename it over the old. A file that is not there
 * means no driver is loaded (NVML_ERROR_DRIVER_NOT_LOADED). One `key value` to a line; `#` begins a comment.
 *
 *   count 8                  how many GPUs; default 1
 *   driver 580.159.03        driver version; -DDRIVER='"590.1"' builds the library of another driver
 *   session 2                the driver was loaded anew: sessions from before are answered "uninitialized", and their
 *                            handles are no good in the next one
 *   error 9                  every call, initialisation too, answers with this return code; 0 or absent: none
 *   hang 1                   every call blocks for as long as this is so
 *   gpu0.<key> <value>       for one GPU; gpu*.<key> <value> for all, where that GPU has no line of its own
 *
 * Keys of a GPU, with their defaults (an H100 at work). The value `unsupported` makes the call answer
 * NVML_ERROR_NOT_SUPPORTED, `error 4` makes it answer with that return code, and `hang` makes it block.
 *
 *   name NVIDIA H100 80GB HBM3        uuid GPU-00000000-0000-0000-0000-00000000000<index, hexadecimal>
 *   serial 132042300000<index>        vbios 96.00.74.00.01
 *   pci 00000000:<3B + index, hexadecimal>:00.0
 *   memory_total 85520809984          memory_used 68719476736     bytes
 *   util 98                           memory_util 61              percent; unsupported while MIG is on
 *   temp 64                           temp_memory 71              degrees Celsius
 *   temp_slowdown 87                  temp_shutdown 92            temp_memory_max 95
 *   temp_margin 23                                                degrees left until it slows down
 *   power 642.5                       power_limit 700             watts
 *   energy 123456.789                                             joules
 *   clock_sm 1755  clock_sm_max 1980  clock_mem 2619  clock_mem_max 2619  MHz
 *   pstate 0
 *   fan unsupported                                               percent
 *   throttle 0                                                    bit mask of reasons
 *   throttle_power_cap 12.5           throttle_sw_thermal 0       seconds; throttle_hw_thermal, throttle_power_brake;
 *                                                                 throttle_policy_thermal is the counter before 580.82
 *   pcie_gen 5  pcie_gen_max 5  pcie_width 16  pcie_width_max 16  pcie_replays 0
 *   ecc_corrected 0  ecc_uncorrected 0                            volatile, all of the GPU
 *   ecc_sram_corrected 0  ecc_sram_uncorrected 0  ecc_dram_corrected 0  ecc_dram_uncorrected 0
 *   ecc_sram_corrected_aggregate 0 …                              the same, for the GPU's life
 *   ecc_cache0_corrected unsupported …                            by location before Ampere: 0, 1, 3, 5, 6
 *   ecc_sram_status 0 0 0             aggregate parity and SEC-DED errors, and whether over the threshold
 *   ecc_mode 1 1                      now and after the next reboot; mig_mode 0 0 likewise
 *   remap_correctable 0  remap_uncorrectable 0  remap_pending 0  remap_failed 0
 *   remap_banks 640 0 0 0 0           banks with max, high, partial, low and no rows left
 *   retired_sbe unsupported           retired_dbe, retired_pending: pages, before Ampere
 *   recovery_action 0                 nvmlDeviceGpuRecoveryAction_t; reset_status and drain_status are older drivers'
 *   fabric 3 0                        state and status; fabric_version 3: the newest structure that is understood,
 *                                     1 for drivers that have only nvmlDeviceGetGpuFabricInfo
 *   nvlinks 18                        how many; nvlinks_down 3 5: which of them are down
 *   nvlink_crc 0                      errors of each link; nvlink3_crc 9: of link 3. nvlink_replay, nvlink_recovery
 *   nvlink_recovery_events unsupported                            of each link, since NVLink 5
 *   nvlink_crc_flit_total unsupported                             nvlink_crc_data_total, nvlink_replay_total,
 *                                                                 nvlink_recovery_total: before Hopper
 *   nvlink_old0 unsupported …         per link and nvmlNvLinkErrorCounter_t: older still
 *   nvlink_tx 2048  nvlink_rx 1024                                KiB over all links
 *   persistence 1                     inforom 1 (0: its checksum is wrong)
 *   process 1234 1073741824           a compute process and its bytes; as many lines as there are processes
 *   graphics_process 77 4096          the same for one that draws
 *   processes unsupported
 *   mig0 1g.10gb                      there is a MIG instance 0 with that profile (mig_mode has to be on); its keys
 *                                     are mig0_<key>: uuid, name, memory_total, memory_used, ecc_sram_uncorrected,
 *                                     process, attributes 1 1 9728 (slices of GPU and of computing, MiB),
 *                                     gpu_instance 7 (of which it is a part) and util, percent, where `gpm 1` says
 *                                     that the GPU has performance monitors
 *   xid 79                            an Xid event, once; `79 2`, `79 3` … are others with the same code
 *   lost 1                            every call for it answers NVML_ERROR_GPU_IS_LOST; with 2 until a new session
 *                                     has begun, even where it is there again
 *   hang 1                            every call for it blocks for as long as this is so
 *   error 999                         every call for it answers with this return code
 *
 * Besides NVML's functions there is `unsigned fake_nvml_asked(const char *key)`: how often that key was asked for.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef DRIVER
#define DRIVER "580.159.03"
#endif
#define OK 0
#define UNINITIALIZED 1
#define INVALID_ARGUMENT 2
#define NOT_SUPPORTED 3
#define NOT_FOUND 6
#define INSUFFICIENT_SIZE 7
#define DRIVER_NOT_LOADED 9
#define FUNCTION_NOT_FOUND 13
#define CORRUPTED_INFOROM 14
#define GPU_IS_LOST 15
#define RESET_REQUIRED 16
#define ARGUMENT_VERSION_MISMATCH 25
#define MOST_GPUS 64
#define MOST_INSTANCES 7
#define MOST_LINES 4096
#define MOST_KEYS 256
#define KEY 64
#define VALUE 128
#define WHOLE -1

typedef struct { char key[KEY]; char value[VALUE]; } line_t;
/* `instance` is WHOLE for a GPU; `session` is the one that gave the handle out. */
typedef struct { int index, instance, session; } device_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static line_t lines[MOST_LINES];
static int line_count;
static struct stat seen;
static int is_there, is_initialized;
static char begun_with[VALUE];
static int session = 1;
/* Two sessions' worth: a handle of the last one is told apart from this one's. */
static int lost_in[MOST_GPUS];
static device_t devices[2][MOST_GPUS], instances[2][MOST_GPUS][MOST_INSTANCES];
static struct { char key[KEY]; unsigned count; } asked[MOST_KEYS];

static const line_t defaults[] = {
    {"name", "NVIDIA H100 80GB HBM3"}, {"vbios", "96.00.74.00.01"},
    {"memory_total", "85520809984"}, {"memory_used", "68719476736"},
    {"util", "98"}, {"memory_util", "61"}, {"temp", "64"}, {"temp_memory", "71"},
    {"temp_slowdown", "87"}, {"temp_shutdown", "92"}, {"temp_memory_max", "95"}, {"temp_margin", "23"},
    {"power", "642.5"}, {"power_limit", "700"}, {"energy", "123456.789"}, {"pstate", "0"},
    {"clock_sm", "1755"}, {"clock_sm_max", "1980"}, {"clock_mem", "2619"}, {"clock_mem_max", "2619"},
    {"throttle", "0"}, {"throttle_power_cap", "12.5"}, {"throttle_policy_thermal", "0"},
    {"throttle_sw_thermal", "0"}, {"throttle_hw_thermal", "0"}, {"throttle_power_brake", "0"},
    {"pcie_gen", "5"}, {"pcie_gen_max", "5"}, {"pcie_width", "16"}, {"pcie_width_max", "16"}, {"pcie_replays", "0"},
    {"ecc_corrected", "0"}, {"ecc_uncorrected", "0"}, {"ecc_sram_corrected", "0"}, {"ecc_sram_uncorrected", "0"},
    {"ecc_dram_corrected", "0"}, {"ecc_dram_uncorrected", "0"}, {"ecc_sram_corrected_aggregate", "0"},
    {"ecc_sram_uncorrected_aggregate", "0"}, {"ecc_dram_corrected_aggregate", "0"},
    {"ecc_dram_uncorrected_aggregate", "0"}, {"ecc_sram_status", "0 0 0"}, {"ecc_mode", "1 1"}, {"mig_mode", "0 0"},
    {"remap_correctable", "0"}, {"remap_uncorrectable", "0"}, {"remap_pending", "0"}, {"remap_failed", "0"},
    {"remap_banks", "640 0 0 0 0"}, {"recovery_action", "0"}, {"fabric", "3 0"}, {"fabric_version", "3"},
    {"nvlinks", "18"}, {"nvlinks_down", ""}, {"nvlink_crc", "0"}, {"nvlink_replay", "0"}, {"nvlink_recovery", "0"},
    {"nvlink_tx", "2048"}, {"nvlink_rx", "1024"}, {"persistence", "1"}, {"inforom", "1"}, {"processes", ""},
    {"xid", ""}, {"lost", "0"}, {"hang", "0"}, {"error", "0"},
};

/* Reads the file again if it has changed. Called with the lock held. */
static void refresh(void) {
    const char *path = getenv("LEPTON_FAKE_NVML");
    struct stat now;
    if (path == NULL) path = "/etc/fake_nvml";
    if (stat(path, &now) != 0) {
        is_there = 0;
        line_count = 0;
        return;
    }
    if (is_there && now.st_ino == seen.st_ino && now.st_size == seen.st_size &&
        now.st_mtim.tv_sec == seen.st_mtim.tv_sec && now.st_mtim.tv_nsec == seen.st_mtim.tv_nsec)
        return;
    FILE *file = fopen(path, "r");
    if (file == NULL) return;
    char text[512];
    line_count = 0;
    while (line_count < MOST_LINES && fgets(text, sizeof text, file) != NULL) {
        char *start = text + strspn(text, " \t");
        start[strcspn(start, "\r\n")] = 0;
        if (*start == 0 || *start == '#') continue;
        size_t length = strcspn(start, " \t");
        char *value = start + length + strspn(start + length, " \t");
        if (length >= KEY) continue;
        memcpy(lines[line_count].key, start, length);
        lines[line_count].key[length] = 0;
        snprintf(lines[line_count].value, VALUE, "%s", value);
        line_count++;
    }
    fclose(file);
    seen = now;
    is_there = 1;
}

static const char *find(const char *key) {
    for (int i = 0; i < line_count; i++)
        if (strcmp(lines[i].key, key) == 0) return lines[i].value;
    return NULL;
}

/* The value of a GPU's key: its own, that of all GPUs, or the default. Called with the lock held. */
static const char *find_of(int index, const char *key, char *made) {
    char full[2 * KEY + 16];
    snprintf(full, sizeof full, "gpu%d.%s", index, key);
    const char *value = find(full);
    if (value == NULL) {
        snprintf(full, sizeof full, "gpu*.%s", key);
        value = find(full);
    }
    if (value != NULL) return value;
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (strcmp(defaults[i].key, key) == 0) return defaults[i].value;
    if (strcmp(key, "uuid") == 0) snprintf(made, VALUE, "GPU-00000000-0000-0000-0000-%012x", index);
    else if (strcmp(key, "serial") == 0) snprintf(made, VALUE, "13204230000%02d", index);
    else if (strcmp(key, "pci") == 0) snprintf(made, VALUE, "00000000:%02X:00.0", 0x3b + index);
    else return "unsupported";
    return made;
}

/* The same for a MIG instance, whose keys are its GPU's with a prefix. Called with the lock held. */
static const char *find_of_instance(int index, int instance, const char *key, char *made) {
    char full[KEY + 16], otherwise[VALUE];
    snprintf(full, sizeof full, "mig%d_%s", instance, key);
    const char *value = find_of(index, full, otherwise);
    if (strcmp(value, "unsupported") != 0) return value;
    if (strcmp(key, "uuid") == 0) {
        snprintf(made, VALUE, "MIG-00000000-0000-0000-%04x-%012x", instance, index);
    } else if (strcmp(key, "name") == 0) {
        char profile[32];
        snprintf(full, sizeof full, "mig%d", instance);
        snprintf(profile, sizeof profile, "%.31s", find_of(index, full, otherwise));
        snprintf(made, VALUE, "%.64s MIG %s", find_of(index, "name", otherwise), profile);
    } else if (strcmp(key, "memory_total") == 0) {
        snprintf(made, VALUE, "10200547328");
    } else if (strcmp(key, "memory_used") == 0 || strcmp(key, "ecc_sram_uncorrected") == 0) {
        snprintf(made, VALUE, "0");
    } else if (strcmp(key, "processes") == 0) {
        *made = 0;
    } else {
        return "unsupported";
    }
    return made;
}

static int number(const char *value) { return value == NULL ? 0 : atoi(value); }

static const char *session_in_file(void) {
    const char *value = find("session");
    return value == NULL ? "" : value;
}

/* Blocks while the file says so, then answers what every call has to answer first. */
static int enter(int index, int needs_init) {
    char made[VALUE];
    for (;;) {
        pthread_mutex_lock(&lock);
        refresh();
        int hangs = number(find("hang")) || (index >= 0 && number(find_of(index, "hang", made)));
        int answer = OK;
        if (!is_there) answer = DRIVER_NOT_LOADED;
        else if (number(find("error"))) answer = number(find("error"));
        else if (needs_init && (!is_initialized || strcmp(begun_with, session_in_file()) != 0)) answer = UNINITIALIZED;
        else if (index >= 0 && (number(find_of(index, "lost", made)) || lost_in[index] == session)) {
            if (number(find_of(index, "lost", made)) == 2) lost_in[index] = session;
            answer = GPU_IS_LOST;
        } else if (index >= 0 && number(find_of(index, "error", made))) answer = number(find_of(index, "error", made));
        pthread_mutex_unlock(&lock);
        if (!hangs) return answer;
        usleep(20000);
    }
}

static int enter_of(device_t *device) {
    if (device == NULL) return INVALID_ARGUMENT;
    int answer = enter(device->index, 1);
    return answer == OK && device->session != session ? INVALID_ARGUMENT : answer;
}

static void count_asked(const char *key) {
    for (int i = 0; i < MOST_KEYS; i++) {
        if (asked[i].count != 0 && strcmp(asked[i].key, key) != 0) continue;
        snprintf(asked[i].key, KEY, "%s", key);
        asked[i].count++;
        return;
    }
}

unsigned fake_nvml_asked(const char *key) {
    unsigned count = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_KEYS; i++)
        if (asked[i].count != 0 && strcmp(asked[i].key, key) == 0) count = asked[i].count;
    pthread_mutex_unlock(&lock);
    return count;
}

/* Copies a GPU's value out; the answer of the call. */
static int value_of(device_t *device, const char *key, char *out) {
    char made[VALUE];
    for (;;) {
        int answer = enter_of(device);
        if (answer != OK) return answer;
        pthread_mutex_lock(&lock);
        count_asked(key);
        snprintf(out, VALUE, "%s", device->instance == WHOLE
                                       ? find_of(device->index, key, made)
                                       : find_of_instance(device->index, device->instance, key, made));
        pthread_mutex_unlock(&lock);
        if (strcmp(out, "hang") != 0) break;
        usleep(20000);
    }
    if (strcmp(out, "unsupported") == 0) return NOT_SUPPORTED;
    return strncmp(out, "error ", 6) == 0 ? atoi(out + 6) : OK;
}

static int text_of(device_t *device, const char *key, char *out, unsigned size) {
    char value[VALUE];
    int answer = value_of(device, key, value);
    if (answer != OK) return answer;
    if (strlen(value) >= size) return INSUFFICIENT_SIZE;
    strcpy(out, value);
    return OK;
}

static int scaled_of(device_t *device, const char *key, double scale, unsigned *out) {
    char value[VALUE];
    int answer = value_of(device, key, value);
    if (answer == OK) *out = (unsigned)(atof(value) * scale + 0.5);
    return answer;
}

static int unsigned_of(device_t *device, const char *key, unsigned *out) { return scaled_of(device, key, 1.0, out); }

static int long_of(device_t *device, const char *key, unsigned long long *out) {
    char value[VALUE];
    int answer = value_of(device, key, value);
    if (answer == OK) *out = strtoull(value, NULL, 0);
    return answer;
}

/* Several numbers in one value. */
static int list_of(device_t *device, const char *key, unsigned *out, int count) {
    char value[VALUE], *rest = value;
    int answer = value_of(device, key, value);
    for (int i = 0; answer == OK && i < count; i++) out[i] = (unsigned)strtoul(rest, &rest, 10);
    return answer;
}

/* ---- Sessions ---- */

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    int answer = enter(-1, 0);
    if (answer != OK) return answer;
    pthread_mutex_lock(&lock);
    if (!is_initialized || strcmp(begun_with, session_in_file()) != 0) session++;
    snprintf(begun_with, VALUE, "%s", session_in_file());
    is_initialized = 1;
    pthread_mutex_unlock(&lock);
    return OK;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) {
    int was = is_initialized;
    is_initialized = 0;
    return was ? OK : UNINITIALIZED;
}
const char *nvmlErrorString(int code) {
    switch (code) {
        case OK: return "Success";
        case UNINITIALIZED: return "Uninitialized";
        case INVALID_ARGUMENT: return "Invalid Argument";
        case NOT_SUPPORTED: return "Not Supported";
        case DRIVER_NOT_LOADED: return "Driver Not Loaded";
        case GPU_IS_LOST: return "GPU is lost";
        case RESET_REQUIRED: return "GPU requires reset";
        default: return "Unknown Error";
    }
}
static int system_text(const char *key, const char *otherwise, char *out, unsigned size) {
    int answer = enter(-1, 1);
    if (answer != OK) return answer;
    pthread_mutex_lock(&lock);
    const char *value = find(key);
    snprintf(out, size, "%s", value == NULL ? otherwise : value);
    pthread_mutex_unlock(&lock);
    return OK;
}
int nvmlSystemGetDriverVersion(char *out, unsigned size) { return system_text("driver", DRIVER, out, size); }
int nvmlSystemGetNVMLVersion(char *out, unsigned size) { return system_text("nvml", "13.580.159.03", out, size); }
int nvmlSystemGetCudaDriverVersion_v2(int *out) {
    int answer = enter(-1, 1);
    if (answer == OK) *out = 13000;
    return answer;
}

/* ---- Devices ---- */

static int gpu_count(void) {
    pthread_mutex_lock(&lock);
    const char *value = find("count");
    int count = value == NULL ? 1 : atoi(value);
    pthread_mutex_unlock(&lock);
    return count < 0 ? 0 : count > MOST_GPUS ? MOST_GPUS : count;
}
int nvmlDeviceGetCount_v2(unsigned *out) {
    int answer = enter(-1, 1);
    if (answer == OK) *out = (unsigned)gpu_count();
    return answer;
}
static device_t *device_at(int index) {
    device_t *device = &devices[session & 1][index];
    *device = (device_t){index, WHOLE, session};
    return device;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, device_t **out) {
    int answer = enter(-1, 1);
    if (answer != OK) return answer;
    if ((int)index >= gpu_count()) return INVALID_ARGUMENT;
    answer = enter((int)index, 1);
    *out = device_at((int)index);
    return answer;
}
static int handle_by(const char *key, const char *wanted, device_t **out) {
    char value[VALUE];
    int count = gpu_count();
    for (int i = 0; i < count; i++) {
        if (value_of(device_at(i), key, value) == OK && strcmp(value, wanted) == 0) {
            *out = device_at(i);
            return OK;
        }
    }
    return NOT_FOUND;
}
int nvmlDeviceGetHandleByUUID(const char *uuid, device_t **out) { return handle_by("uuid", uuid, out); }
int nvmlDeviceGetHandleByPciBusId_v2(const char *pci, device_t **out) { return handle_by("pci", pci, out); }
int nvmlDeviceGetIndex(device_t *d, unsigned *out) {
    int answer = enter_of(d);
    *out = (unsigned)d->index;
    return answer;
}
int nvmlDeviceGetName(device_t *d, char *out, unsigned size) { return text_of(d, "name", out, size); }
int nvmlDeviceGetUUID(device_t *d, char *out, unsigned size) { return text_of(d, "uuid", out, size); }
int nvmlDeviceGetSerial(device_t *d, char *out, unsigned size) { return text_of(d, "serial", out, size); }
int nvmlDeviceGetVbiosVersion(device_t *d, char *out, unsigned size) { return text_of(d, "vbios", out, size); }

typedef struct {
    char legacy[16];
    unsigned domain, bus, device, id, subsystem;
    char bus_id[32];
} pci_t;
int nvmlDeviceGetPciInfo_v3(device_t *d, pci_t *out) {
    char value[VALUE];
    int answer = value_of(d, "pci", value);
    if (answer != OK) return answer;
    memset(out, 0, sizeof *out);
    sscanf(value, "%x:%x:%x", &out->domain, &out->bus, &out->device);
    snprintf(out->bus_id, sizeof out->bus_id, "%.31s", value);
    snprintf(out->legacy, sizeof out->legacy, "%04X:%02X:%02X.0", out->domain & 0xffff, out->bus & 0xff,
             out->device & 0xff);
    out->id = 0x233010de;
    return OK;
}

typedef struct { unsigned long long total, free, used; } memory_t;
int nvmlDeviceGetMemoryInfo(device_t *d, memory_t *out) {
    int answer = long_of(d, "memory_total", &out->total);
    if (answer == OK) answer = long_of(d, "memory_used", &out->used);
    if (answer == OK) out->free = out->total - out->used;
    return answer;
}
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory_v2_t;
int nvmlDeviceGetMemoryInfo_v2(device_t *d, memory_v2_t *out) {
    memory_t plain;
    int answer = nvmlDeviceGetMemoryInfo(d, &plain);
    if (answer != OK) return answer;
    out->total = plain.total;
    out->reserved = 0;
    out->used = plain.used;
    out->free = plain.free;
    return OK;
}

typedef struct { unsigned gpu, memory; } utilization_t;
int nvmlDeviceGetUtilizationRates(device_t *d, utilization_t *out) {
    unsigned mode[2];
    if (d->instance != WHOLE || (list_of(d, "mig_mode", mode, 2) == OK && mode[0])) return NOT_SUPPORTED;
    int answer = unsigned_of(d, "util", &out->gpu);
    return answer == OK ? unsigned_of(d, "memory_util", &out->memory) : answer;
}

int nvmlDeviceGetTemperature(device_t *d, unsigned sensor, unsigned *out) {
    (void)sensor;
    return unsigned_of(d, "temp", out);
}
typedef struct { unsigned version, sensor; int temperature; } temperature_t;
int nvmlDeviceGetTemperatureV(device_t *d, temperature_t *out) {
    unsigned value = 0;
    int answer = unsigned_of(d, "temp", &value);
    out->temperature = (int)value;
    return answer;
}
int nvmlDeviceGetTemperatureThreshold(device_t *d, unsigned threshold, unsigned *out) {
    static const char *const keys[] = {"temp_shutdown", "temp_slowdown", "temp_memory_max"};
    return threshold > 2 ? NOT_SUPPORTED : unsigned_of(d, keys[threshold], out);
}
typedef struct { unsigned version; int margin; } margin_t;
int nvmlDeviceGetMarginTemperature(device_t *d, margin_t *out) {
    char value[VALUE];
    if (out->version != 0x1000008) return ARGUMENT_VERSION_MISMATCH;
    int answer = value_of(d, "temp_margin", value);
    if (answer == OK) out->margin = atoi(value);
    return answer;
}
int nvmlDeviceGetPerformanceState(device_t *d, unsigned *out) { return unsigned_of(d, "pstate", out); }

int nvmlDeviceGetPowerUsage(device_t *d, unsigned *out) { return scaled_of(d, "power", 1000.0, out); }
int nvmlDeviceGetEnforcedPowerLimit(device_t *d, unsigned *out) { return scaled_of(d, "power_limit", 1000.0, out); }
int nvmlDeviceGetPowerManagementLimit(device_t *d, unsigned *out) { return scaled_of(d, "power_limit", 1000.0, out); }

int nvmlDeviceGetClockInfo(device_t *d, unsigned type, unsigned *out) {
    return unsigned_of(d, type == 2 ? "clock_mem" : "clock_sm", out);
}
int nvmlDeviceGetMaxClockInfo(device_t *d, unsigned type, unsigned *out) {
    return unsigned_of(d, type == 2 ? "clock_mem_max" : "clock_sm_max", out);
}
int nvmlDeviceGetFanSpeed(device_t *d, unsigned *out) { return unsigned_of(d, "fan", out); }

int nvmlDeviceGetCurrentClocksEventReasons(device_t *d, unsigned long long *out) { return long_of(d, "throttle", out); }
int nvmlDeviceGetCurrentClocksThrottleReasons(device_t *d, unsigned long long *out) {
    return long_of(d, "throttle", out);
}

int nvmlDeviceGetCurrPcieLinkGeneration(device_t *d, unsigned *out) { return unsigned_of(d, "pcie_gen", out); }
int nvmlDeviceGetMaxPcieLinkGeneration(device_t *d, unsigned *out) { return unsigned_of(d, "pcie_gen_max", out); }
int nvmlDeviceGetCurrPcieLinkWidth(device_t *d, unsigned *out) { return unsigned_of(d, "pcie_width", out); }
int nvmlDeviceGetMaxPcieLinkWidth(device_t *d, unsigned *out) { return unsigned_of(d, "pcie_width_max", out); }
int nvmlDeviceGetPcieReplayCounter(device_t *d, unsigned *out) { return unsigned_of(d, "pcie_replays", out); }

int nvmlDeviceGetTotalEccErrors(device_t *d, unsigned type, unsigned counter, unsigned long long *out) {
    (void)counter;
    return long_of(d, type == 0 ? "ecc_corrected" : "ecc_uncorrected", out);
}

/* nvmlMemoryLocation_t: 2 is DRAM and 7 SRAM; before Ampere SRAM was counted by its use. */
int nvmlDeviceGetMemoryErrorCounter(device_t *d, unsigned type, unsigned counter, unsigned location,
                                    unsigned long long *out) {
    char key[KEY], where[16];
    snprintf(where, sizeof where, "cache%u", location);
    snprintf(key, sizeof key, "ecc_%s_%scorrected%s", location == 2 ? "dram" : location == 7 ? "sram" : where,
             type == 0 ? "" : "un", counter == 0 ? "" : "_aggregate");
    return long_of(d, key, out);
}
typedef struct {
    unsigned version;
    unsigned long long aggregate_parity, aggregate_secded, others[9];
    unsigned is_over;
} sram_t;
int nvmlDeviceGetSramEccErrorStatus(device_t *d, sram_t *out) {
    unsigned status[3];
    if (out->version != 0x1000068) return ARGUMENT_VERSION_MISMATCH;
    int answer = list_of(d, "ecc_sram_status", status, 3);
    if (answer != OK) return answer;
    out->aggregate_parity = status[0];
    out->aggregate_secded = status[1];
    for (int i = 0; i < 9; i++) out->others[i] = 1000 + (unsigned)i;
    out->is_over = status[2];
    return OK;
}

/* ---- Repair, modes and fabric ---- */

int nvmlDeviceGetRemappedRows(device_t *d, unsigned *corrected, unsigned *uncorrected, unsigned *pending,
                              unsigned *failed) {
    int answer = unsigned_of(d, "remap_correctable", corrected);
    if (answer == OK) answer = unsigned_of(d, "remap_uncorrectable", uncorrected);
    if (answer == OK) answer = unsigned_of(d, "remap_pending", pending);
    return answer == OK ? unsigned_of(d, "remap_failed", failed) : answer;
}
int nvmlDeviceGetRowRemapperHistogram(device_t *d, unsigned *out) { return list_of(d, "remap_banks", out, 5); }

static int mode_of(device_t *d, const char *key, unsigned *current, unsigned *pending) {
    unsigned modes[2];
    int answer = list_of(d, key, modes, 2);
    if (answer == OK) *current = modes[0], *pending = modes[1];
    return answer;
}
int nvmlDeviceGetEccMode(device_t *d, unsigned *current, unsigned *pending) {
    return mode_of(d, "ecc_mode", current, pending);
}
int nvmlDeviceGetMigMode(device_t *d, unsigned *current, unsigned *pending) {
    return mode_of(d, "mig_mode", current, pending);
}
int nvmlDeviceGetPersistenceMode(device_t *d, unsigned *out) { return unsigned_of(d, "persistence", out); }
int nvmlDeviceValidateInforom(device_t *d) {
    unsigned is_valid;
    int answer = unsigned_of(d, "inforom", &is_valid);
    return answer == OK && !is_valid ? CORRUPTED_INFOROM : answer;
}

/* In nvml.h the state is one byte; what is around it must not be taken for a part of it. */
typedef struct { unsigned char cluster[16]; int status; unsigned clique; unsigned char state, padding[3]; } fabric_t;
static int fabric_of(device_t *d, fabric_t *out) {
    unsigned fabric[2];
    int answer = list_of(d, "fabric", fabric, 2);
    if (answer != OK) return answer;
    memset(out, 0x55, sizeof *out);
    out->state = (unsigned char)fabric[0];
    out->status = (int)fabric[1];
    return OK;
}
int nvmlDeviceGetGpuFabricInfo(device_t *d, fabric_t *out) { return fabric_of(d, out); }
typedef struct { unsigned version; fabric_t rest; unsigned health; } fabric_v_t;
int nvmlDeviceGetGpuFabricInfoV(device_t *d, fabric_v_t *out) {
    unsigned newest;
    int answer = unsigned_of(d, "fabric_version", &newest);
    if (answer != OK) return answer;
    if (newest < 2) return FUNCTION_NOT_FOUND;
    return out->version >> 24 > newest ? ARGUMENT_VERSION_MISMATCH : fabric_of(d, &out->rest);
}

/* ---- NVLink ---- */

static int is_link(device_t *d, unsigned link) {
    unsigned count;
    int answer = unsigned_of(d, "nvlinks", &count);
    return answer == OK && link >= count ? INVALID_ARGUMENT : answer;
}
int nvmlDeviceGetNvLinkState(device_t *d, unsigned link, unsigned *out) {
    char down[VALUE], *rest = down;
    int answer = is_link(d, link);
    if (answer == OK) answer = value_of(d, "nvlinks_down", down);
    if (answer != OK) return answer;
    *out = 1;
    while (*rest != 0) {
        char *next;
        if (strtoul(rest, &next, 10) == link && next != rest) *out = 0;
        rest = next == rest ? rest + 1 : next;
    }
    return OK;
}
/* A counter of one link: the link's own, or that of all of them. */
static int link_value_of(device_t *d, unsigned link, const char *what, unsigned long long *out) {
    char key[KEY];
    int answer = is_link(d, link);
    if (answer != OK) return answer;
    snprintf(key, sizeof key, "nvlink%u_%s", link, what);
    answer = long_of(d, key, out);
    if (answer != NOT_SUPPORTED) return answer;
    snprintf(key, sizeof key, "nvlink_%s", what);
    return long_of(d, key, out);
}
int nvmlDeviceGetNvLinkErrorCounter(device_t *d, unsigned link, unsigned counter, unsigned long long *out) {
    char what[16];
    snprintf(what, sizeof what, "old%u", counter);
    return link_value_of(d, link, what, out);
}

/* ---- Field values ---- */

#define AS_UNSIGNED 1
#define AS_LONG 3
#define ALL_LINKS 0xffffffffu
typedef struct {
    uint32_t field, scope;
    int64_t timestamp, latency;
    unsigned type;
    int answer;
    union { double real; unsigned small; unsigned long long large; } value;
} field_t;
/* `scale` is what one of the file's units is in NVML's. */
static const struct { unsigned field; const char *key; double scale; unsigned type; } fields_known[] = {
    {29, "retired_sbe", 1, AS_LONG}, {30, "retired_dbe", 1, AS_LONG}, {31, "retired_pending", 1, AS_UNSIGNED},
    {38, "nvlink_crc_flit_total", 1, AS_LONG}, {45, "nvlink_crc_data_total", 1, AS_LONG},
    {52, "nvlink_replay_total", 1, AS_LONG}, {59, "nvlink_recovery_total", 1, AS_LONG},
    {74, "throttle_power_cap", 1e9, AS_LONG}, {75, "throttle_policy_thermal", 1e9, AS_LONG},
    {82, "temp_memory", 1, AS_UNSIGNED}, {83, "energy", 1000, AS_LONG}, {91, "nvlinks", 1, AS_UNSIGNED},
    {226, "reset_status", 1, AS_UNSIGNED}, {227, "drain_status", 1, AS_UNSIGNED},
    {230, "recovery_action", 1, AS_UNSIGNED}, {269, "throttle_sw_thermal", 1e9, AS_LONG},
    {270, "throttle_hw_thermal", 1e9, AS_LONG}, {271, "throttle_power_brake", 1e9, AS_LONG},
};
static int is_renumbered(void) {
    int major = 580, minor = 159;
    pthread_mutex_lock(&lock);
    const char *driver = find("driver");
    if (driver != NULL) sscanf(driver, "%d.%d", &major, &minor);
    pthread_mutex_unlock(&lock);
    return major > 580 || (major == 580 && minor >= 82);
}
static int field_of(device_t *d, field_t *field) {
    static const char *const of_links[] = {"replay", "recovery", "crc"};
    field->type = AS_LONG;
    field->value.large = 0;
    if (field->field >= 161 && field->field <= 163)
        return link_value_of(d, field->scope, of_links[field->field - 161], &field->value.large);
    if (field->field == 215) return link_value_of(d, field->scope, "recovery_events", &field->value.large);
    if (field->field == 138 || field->field == 139) {
        if (field->scope != ALL_LINKS) return NOT_SUPPORTED;
        return long_of(d, field->field == 138 ? "nvlink_tx" : "nvlink_rx", &field->value.large);
    }
    if (field->field >= 269 && field->field <= 271 && !is_renumbered()) {
        /* These were settings of power smoothing. */
        field->value.large = 1;
        return OK;
    }
    for (size_t i = 0; i < sizeof fields_known / sizeof *fields_known; i++) {
        char value[VALUE];
        if (fields_known[i].field != field->field) continue;
        int answer = value_of(d, fields_known[i].key, value);
        if (answer != OK) return answer;
        field->type = fields_known[i].type;
        if (field->type == AS_UNSIGNED) {
            /* The rest of the union holds anything. */
            field->value.large = 0x5555555555555555ull;
            field->value.small = (unsigned)(atof(value) * fields_known[i].scale + 0.5);
        } else {
            field->value.large = (unsigned long long)(atof(value) * fields_known[i].scale + 0.5);
        }
        return OK;
    }
    return NOT_SUPPORTED;
}
int nvmlDeviceGetFieldValues(device_t *d, int count, field_t *fields) {
    int answer = enter_of(d);
    for (int i = 0; answer == OK && i < count; i++) fields[i].answer = field_of(d, &fields[i]);
    return answer;
}

/* ---- MIG ---- */

int nvmlDeviceGetMaxMigDeviceCount(device_t *d, unsigned *out) {
    unsigned mode[2];
    int answer = list_of(d, "mig_mode", mode, 2);
    if (answer == OK) *out = MOST_INSTANCES;
    return answer;
}
int nvmlDeviceGetMigDeviceHandleByIndex(device_t *d, unsigned number, device_t **out) {
    char key[KEY], profile[VALUE];
    unsigned mode[2];
    int answer = list_of(d, "mig_mode", mode, 2);
    if (answer != OK) return answer;
    snprintf(key, sizeof key, "mig%u", number);
    if (number >= MOST_INSTANCES || !mode[0] || value_of(d, key, profile) != OK) return NOT_FOUND;
    device_t *instance = &instances[session & 1][d->index][number];
    *instance = (device_t){d->index, (int)number, session};
    *out = instance;
    return OK;
}
typedef struct { unsigned unused[6], gpu_slices, compute_slices; unsigned long long memory_mib; } attributes_t;
int nvmlDeviceGetAttributes_v2(device_t *d, attributes_t *out) {
    unsigned values[3];
    if (d->instance == WHOLE) return NOT_SUPPORTED;
    int answer = list_of(d, "attributes", values, 3);
    if (answer != OK) return answer;
    memset(out, 0x55, sizeof *out);
    out->gpu_slices = values[0];
    out->compute_slices = values[1];
    out->memory_mib = values[2];
    return OK;
}

int nvmlDeviceGetGpuInstanceId(device_t *d, unsigned *out) {
    int answer = unsigned_of(d, "gpu_instance", out);
    if (answer == NOT_SUPPORTED && d->instance != WHOLE) {
        *out = 7 + (unsigned)d->instance;
        answer = OK;
    }
    return answer;
}

/* ---- Performance monitors ---- */

typedef struct { int index, instance; unsigned long long taken; } sample_t;
typedef struct { unsigned version, is_supported; } support_t;
typedef struct { unsigned metric; int answer; double value; char *names[3]; } metric_t;
typedef struct { unsigned version, count; sample_t *before, *after; metric_t metrics[1]; } metrics_t;
static unsigned long long samples_taken;
static int samples_held;

int fake_nvml_samples(void) { return samples_held; }
int nvmlGpmQueryDeviceSupport(device_t *d, support_t *out) {
    out->is_supported = 0;
    int answer = unsigned_of(d, "gpm", &out->is_supported);
    return answer == NOT_SUPPORTED ? OK : answer;
}
int nvmlGpmSampleAlloc(sample_t **out) {
    *out = calloc(1, sizeof **out);
    samples_held++;
    return OK;
}
int nvmlGpmSampleFree(sample_t *sample) {
    free(sample);
    samples_held--;
    return OK;
}
int nvmlGpmMigSampleGet(device_t *d, unsigned gpu_instance, sample_t *out) {
    int answer = enter_of(d);
    if (answer != OK) return answer;
    for (int i = 0; i < MOST_INSTANCES; i++) {
        device_t part = {d->index, i, d->session};
        unsigned owner;
        if (nvmlDeviceGetGpuInstanceId(&part, &owner) != OK || owner != gpu_instance) continue;
        *out = (sample_t){d->index, i, ++samples_taken};
        return OK;
    }
    return INVALID_ARGUMENT;
}
int nvmlGpmMetricsGet(metrics_t *asked) {
    char value[VALUE];
    if (asked->version != 1) return ARGUMENT_VERSION_MISMATCH;
    /* The samples have to be two, of the same instance, and in order. */
    if (asked->before->taken == 0 || asked->before->taken >= asked->after->taken ||
        asked->before->instance != asked->after->instance || asked->count != 1 || asked->metrics[0].metric != 1)
        return INVALID_ARGUMENT;
    device_t part = {asked->after->index, asked->after->instance, session};
    asked->metrics[0].answer = value_of(&part, "util", value);
    asked->metrics[0].value = atof(value);
    return OK;
}

/* ---- Events ---- */

static char told[MOST_GPUS][VALUE];
static int is_registered[MOST_GPUS];
static int event_set;

int nvmlEventSetCreate(void **out) {
    int answer = enter(-1, 1);
    memset(is_registered, 0, sizeof is_registered);
    *out = &event_set;
    return answer;
}
int nvmlEventSetFree(void *set) {
    (void)set;
    return enter(-1, 1);
}
int nvmlDeviceRegisterEvents(device_t *d, unsigned long long types, void *set) {
    char value[VALUE];
    (void)set;
    int answer = value_of(d, "xid", value);
    if (answer != OK) return answer;
    if (types != 8) return NOT_SUPPORTED;
    strcpy(told[d->index], value);
    is_registered[d->index] = 1;
    return OK;
}
typedef struct { device_t *device; unsigned long long type, value; unsigned gpu_instance, compute_instance; } event_t;
int nvmlEventSetWait_v2(void *set, event_t *out, unsigned timeout_ms) {
    char made[VALUE];
    (void)set;
    (void)timeout_ms;
    int answer = enter(-1, 1);
    if (answer != OK) return answer;
    answer = 10; /* NVML_ERROR_TIMEOUT */
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_GPUS && answer != OK; i++) {
        const char *value = find_of(i, "xid", made);
        if (!is_registered[i] || strcmp(value, told[i]) == 0) continue;
        snprintf(told[i], VALUE, "%s", value);
        if (*value == 0) continue;
        out->device = &devices[session & 1][i];
        out->type = 8;
        out->value = strtoull(value, NULL, 10);
        answer = OK;
    }
    pthread_mutex_unlock(&lock);
    return answer;
}

/* ---- Processes ---- */

typedef struct { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; } process_t;
/* Adds the processes of the lines `gpu<index>.<key>` and `gpu*.<key>`; `found` counts those without room, too. */
static void add_processes(int index, const char *key, unsigned room, unsigned *found, process_t *out) {
    char full[KEY + 16], of_all[KEY + 16];
    snprintf(full, sizeof full, "gpu%d.%s", index, key);
    snprintf(of_all, sizeof of_all, "gpu*.%s", key);
    for (int i = 0; i < line_count; i++) {
        if (strcmp(lines[i].key, full) != 0 && strcmp(lines[i].key, of_all) != 0) continue;
        if (out != NULL && *found < room) {
            char *rest;
            out[*found].pid = (unsigned)strtoul(lines[i].value, &rest, 10);
            rest += strspn(rest, " ");
            /* All ones: NVML_VALUE_NOT_AVAILABLE. */
            out[*found].used = *rest == 0 ? ~0ull : strtoull(rest, NULL, 10);
            out[*found].gpu_instance = out[*found].compute_instance = 0xffffffffu;
        }
        ++*found;
    }
}
static int processes_of(device_t *d, const char *key, unsigned *count, process_t *out) {
    char value[VALUE], of_instance[KEY];
    int answer = value_of(d, "processes", value);
    if (answer != OK) return answer;
    unsigned room = *count, found = 0;
    pthread_mutex_lock(&lock);
    if (d->instance == WHOLE) add_processes(d->index, key, room, &found, out);
    /* A GPU as a whole tells those of its instances, too. */
    for (int i = 0; i < MOST_INSTANCES; i++) {
        if (d->instance != WHOLE && d->instance != i) continue;
        snprintf(of_instance, sizeof of_instance, "mig%d_%.48s", i, key);
        add_processes(d->index, of_instance, room, &found, out);
    }
    pthread_mutex_unlock(&lock);
    *count = found;
    return found > room ? INSUFFICIENT_SIZE : OK;
}
int nvmlDeviceGetComputeRunningProcesses_v3(device_t *d, unsigned *count, process_t *out) {
    return processes_of(d, "process", count, out);
}
int nvmlDeviceGetComputeRunningProcesses_v2(device_t *d, unsigned *count, process_t *out) {
    return processes_of(d, "process", count, out);
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(device_t *d, unsigned *count, process_t *out) {
    return d->instance == WHOLE ? processes_of(d, "graphics_process", count, out) : NOT_SUPPORTED;
}
int nvmlDeviceGetGraphicsRunningProcesses_v2(device_t *d, unsigned *count, process_t *out) {
    return nvmlDeviceGetGraphicsRunningProcesses_v3(d, count, out);
}
