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
 *   driver 580.159.03        driver version
 *   error 9                  every call, initialisation too, answers with this return code; 0 or absent: none
 *   hang 1                   every call blocks for as long as this is so
 *   gpu0.<key> <value>       for one GPU; gpu*.<key> <value> for all, where that GPU has no line of its own
 *
 * Keys of a GPU, with their defaults (an H100 at work). The value `unsupported` makes the call answer
 * NVML_ERROR_NOT_SUPPORTED.
 *
 *   name NVIDIA H100 80GB HBM3        uuid GPU-00000000-0000-0000-0000-00000000000<index, hexadecimal>
 *   serial 132042300000<index>        vbios 96.00.74.00.01
 *   pci 00000000:<3B + index, hexadecimal>:00.0
 *   memory_total 85520809984          memory_used 68719476736     bytes
 *   util 98                           memory_util 61              percent
 *   temp 64                           temp_memory 71              degrees Celsius
 *   temp_slowdown 87                  temp_shutdown 92
 *   power 642.5                       power_limit 700             watts
 *   clock_sm 1755  clock_sm_max 1980  clock_mem 2619              MHz
 *   fan unsupported                                               percent
 *   throttle 0                                                    bit mask of reasons
 *   pcie_gen 5  pcie_gen_max 5  pcie_width 16  pcie_width_max 16  pcie_replays 0
 *   ecc_corrected 0  ecc_uncorrected 0                            volatile
 *   process 1234 1073741824           a compute process and its bytes; as many lines as there are processes
 *   processes unsupported
 *   xid 79                            an Xid event, once; `79 2`, `79 3` … are others with the same code
 *   lost 1                            every call for it answers NVML_ERROR_GPU_IS_LOST
 *   hang 1                            every call for it blocks for as long as this is so
 *   error 999                         every call for it answers with this return code
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OK 0
#define UNINITIALIZED 1
#define INVALID_ARGUMENT 2
#define NOT_SUPPORTED 3
#define INSUFFICIENT_SIZE 7
#define DRIVER_NOT_LOADED 9
#define GPU_IS_LOST 15
#define MOST_GPUS 64
#define MOST_LINES 4096
#define KEY 64
#define VALUE 128

typedef struct { char key[KEY]; char value[VALUE]; } line_t;
typedef struct { int index; } device_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static line_t lines[MOST_LINES];
static int line_count;
static struct stat seen;
static int is_there, is_initialized;
static device_t devices[MOST_GPUS];

static const line_t defaults[] = {
    {"name", "NVIDIA H100 80GB HBM3"}, {"vbios", "96.00.74.00.01"},
    {"memory_total", "85520809984"}, {"memory_used", "68719476736"},
    {"util", "98"}, {"memory_util", "61"}, {"temp", "64"}, {"temp_memory", "71"},
    {"temp_slowdown", "87"}, {"temp_shutdown", "92"}, {"power", "642.5"}, {"power_limit", "700"},
    {"clock_sm", "1755"}, {"clock_sm_max", "1980"}, {"clock_mem", "2619"}, {"fan", "unsupported"},
    {"throttle", "0"}, {"pcie_gen", "5"}, {"pcie_gen_max", "5"}, {"pcie_width", "16"}, {"pcie_width_max", "16"},
    {"pcie_replays", "0"}, {"ecc_corrected", "0"}, {"ecc_uncorrected", "0"}, {"processes", ""},
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
    char full[KEY + 16];
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

static int number(const char *value) { return value == NULL ? 0 : atoi(value); }

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
        else if (needs_init && !is_initialized) answer = UNINITIALIZED;
        else if (index >= 0 && number(find_of(index, "lost", made))) answer = GPU_IS_LOST;
        else if (index >= 0 && number(find_of(index, "error", made))) answer = number(find_of(index, "error", made));
        pthread_mutex_unlock(&lock);
        if (!hangs) return answer;
        usleep(20000);
    }
}

/* Copies a GPU's value out; the answer of the call. */
static int value_of(device_t *device, const char *key, char *out) {
    char made[VALUE];
    if (device == NULL) return INVALID_ARGUMENT;
    int answer = enter(device->index, 1);
    if (answer != OK) return answer;
    pthread_mutex_lock(&lock);
    snprintf(out, VALUE, "%s", find_of(device->index, key, made));
    pthread_mutex_unlock(&lock);
    return strcmp(out, "unsupported") == 0 ? NOT_SUPPORTED : OK;
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

/* ---- Sessions ---- */

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    int answer = enter(-1, 0);
    if (answer == OK) is_initialized = 1;
    return answer;
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
        case NOT_SUPPORTED: return "Not Supported";
        case DRIVER_NOT_LOADED: return "Driver Not Loaded";
        case GPU_IS_LOST: return "GPU is lost";
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
int nvmlSystemGetDriverVersion(char *out, unsigned size) { return system_text("driver", "580.159.03", out, size); }
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
int nvmlDeviceGetHandleByIndex_v2(unsigned index, device_t **out) {
    int answer = enter(-1, 1);
    if (answer != OK) return answer;
    if ((int)index >= gpu_count()) return INVALID_ARGUMENT;
    answer = enter((int)index, 1);
    devices[index].index = (int)index;
    *out = &devices[index];
    return answer;
}
static int handle_by(const char *key, const char *wanted, device_t **out) {
    char value[VALUE];
    int count = gpu_count();
    for (int i = 0; i < count; i++) {
        devices[i].index = i;
        if (value_of(&devices[i], key, value) == OK && strcmp(value, wanted) == 0) {
            *out = &devices[i];
            return OK;
        }
    }
    return 6; /* NVML_ERROR_NOT_FOUND */
}
int nvmlDeviceGetHandleByUUID(const char *uuid, device_t **out) { return handle_by("uuid", uuid, out); }
int nvmlDeviceGetHandleByPciBusId_v2(const char *pci, device_t **out) { return handle_by("pci", pci, out); }
int nvmlDeviceGetIndex(device_t *d, unsigned *out) {
    int answer = enter(d->index, 1);
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
    if (threshold > 1) return NOT_SUPPORTED;
    return unsigned_of(d, threshold == 0 ? "temp_shutdown" : "temp_slowdown", out);
}

int nvmlDeviceGetPowerUsage(device_t *d, unsigned *out) { return scaled_of(d, "power", 1000.0, out); }
int nvmlDeviceGetEnforcedPowerLimit(device_t *d, unsigned *out) { return scaled_of(d, "power_limit", 1000.0, out); }
int nvmlDeviceGetPowerManagementLimit(device_t *d, unsigned *out) { return scaled_of(d, "power_limit", 1000.0, out); }

int nvmlDeviceGetClockInfo(device_t *d, unsigned type, unsigned *out) {
    return unsigned_of(d, type == 2 ? "clock_mem" : "clock_sm", out);
}
int nvmlDeviceGetMaxClockInfo(device_t *d, unsigned type, unsigned *out) {
    return unsigned_of(d, type == 2 ? "clock_mem" : "clock_sm_max", out);
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

typedef struct {
    uint32_t field, scope;
    int64_t timestamp, latency;
    unsigned type;
    int answer;
    union { double real; unsigned small; unsigned long long large; } value;
} field_t;
int nvmlDeviceGetFieldValues(device_t *d, int count, field_t *fields) {
    int answer = enter(d->index, 1);
    if (answer != OK) return answer;
    for (int i = 0; i < count; i++) {
        fields[i].type = 1;
        fields[i].value.large = 0;
        fields[i].answer = fields[i].field == 82 ? unsigned_of(d, "temp_memory", &fields[i].value.small) : NOT_SUPPORTED;
    }
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
        out->device = &devices[i];
        out->type = 8;
        out->value = strtoull(value, NULL, 10);
        answer = OK;
    }
    pthread_mutex_unlock(&lock);
    return answer;
}

typedef struct { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; } process_t;
int nvmlDeviceGetComputeRunningProcesses_v3(device_t *d, unsigned *count, process_t *out) {
    char value[VALUE], key[KEY];
    int answer = value_of(d, "processes", value);
    if (answer != OK) return answer;
    unsigned room = *count, found = 0;
    snprintf(key, sizeof key, "gpu%d.process", d->index);
    pthread_mutex_lock(&lock);
    for (int i = 0; i < line_count; i++) {
        if (strcmp(lines[i].key, key) != 0 && strcmp(lines[i].key, "gpu*.process") != 0) continue;
        if (out != NULL && found < room) {
            char *rest;
            out[found].pid = (unsigned)strtoul(lines[i].value, &rest, 10);
            out[found].used = strtoull(rest, NULL, 10);
            out[found].gpu_instance = out[found].compute_instance = 0xffffffffu;
        }
        found++;
    }
    pthread_mutex_unlock(&lock);
    *count = found;
    return found > room ? INSUFFICIENT_SIZE : OK;
}
int nvmlDeviceGetComputeRunningProcesses_v2(device_t *d, unsigned *count, process_t *out) {
    return nvmlDeviceGetComputeRunningProcesses_v3(d, count, out);
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(device_t *d, unsigned *count, process_t *out) {
    char value[VALUE];
    (void)out;
    *count = 0;
    return value_of(d, "processes", value);
}
int nvmlDeviceGetGraphicsRunningProcesses_v2(device_t *d, unsigned *count, process_t *out) {
    return nvmlDeviceGetGraphicsRunningProcesses_v3(d, count, out);
}
