/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 10: EIS ⇔ SCS, messages to and from their structs. */
#include "simulcrypt/eis_scs_table.h"

#define DAYS_PER_ERA 146097 /* 400 years of the Gregorian calendar */
#define MS_PER_DAY   INT64_C(86400000)

/* A byte or a year in binary-coded decimals; -1 where a digit is above 9. */
static int from_decimals(unsigned coded)
{
    int number = 0;
    for (int shift = 12; shift >= 0; shift -= 4) {
        unsigned digit = coded >> shift & 0xF;
        if (digit > 9)
            return -1;
        number = 10 * number + (int)digit;
    }
    return number;
}

/* The year 1900 in decimals is 6400 in binary: what is as large cannot be a binary year. */
#define LEAST_DECIMAL_YEAR 0x1900

static bool is_a_time(const int field[7])
{
    static const int least[7] = {1900, 1, 1, 0, 0, 0, 0};
    static const int greatest[7] = {LEAST_DECIMAL_YEAR - 1, 12, 31, 23, 59, 59, 99};
    for (unsigned i = 0; i < 7; i++)
        if (field[i] < least[i] || field[i] > greatest[i])
            return false;
    return true;
}

bool simulcrypt_time_read(struct simulcrypt_time *time, const uint8_t bytes[SIMULCRYPT_TIME_SIZE])
{
    int field[7] = {base_load_u16(bytes)};
    bool decimals = field[0] >= LEAST_DECIMAL_YEAR;
    for (unsigned i = 1; i < 7; i++)
        field[i] = decimals ? from_decimals(bytes[i + 1]) : bytes[i + 1];
    if (decimals)
        field[0] = from_decimals((unsigned)field[0]);
    *time = (struct simulcrypt_time){
        .year = (uint16_t)field[0],
        .month = (uint8_t)field[1],
        .day = (uint8_t)field[2],
        .hour = (uint8_t)field[3],
        .minute = (uint8_t)field[4],
        .second = (uint8_t)field[5],
        .hundredth = (uint8_t)field[6],
    };
    return is_a_time(field);
}

void simulcrypt_time_write(const struct simulcrypt_time *time, uint8_t bytes[SIMULCRYPT_TIME_SIZE])
{
    const uint8_t rest[] = {time->month, time->day, time->hour, time->minute, time->second, time->hundredth};
    base_store_u16(bytes, time->year);
    memcpy(bytes + 2, rest, sizeof(rest));
}

/* Days since 1970-01-01. Years count from March on, so that a leap day ends one. */
static int64_t days_of(const struct simulcrypt_time *time)
{
    int64_t year = time->year - (time->month <= 2);
    int64_t month = (time->month + 9) % 12;
    int64_t day_of_year = (153 * month + 2) / 5 + time->day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

int64_t simulcrypt_time_to_unix_ms(const struct simulcrypt_time *time)
{
    int64_t seconds = time->hour * 3600 + time->minute * 60 + time->second;
    return days_of(time) * MS_PER_DAY + seconds * 1000 + time->hundredth * 10;
}

struct simulcrypt_time simulcrypt_time_from_unix_ms(int64_t unix_ms)
{
    int64_t rest = unix_ms % MS_PER_DAY + (unix_ms % MS_PER_DAY < 0 ? MS_PER_DAY : 0);
    int64_t days = (unix_ms - rest) / MS_PER_DAY + 719468; /* since 1 March of year 0 */
    int64_t day = days % DAYS_PER_ERA;
    int64_t year = (day - day / 1460 + day / 36524 - day / (DAYS_PER_ERA - 1)) / 365;
    day -= 365 * year + year / 4 - year / 100;
    int64_t month = (5 * day + 2) / 153;
    return (struct simulcrypt_time){
        .year = (uint16_t)(year + days / DAYS_PER_ERA * 400 + (month >= 10)),
        .month = (uint8_t)(month < 10 ? month + 3 : month - 9),
        .day = (uint8_t)(day - (153 * month + 2) / 5 + 1),
        .hour = (uint8_t)(rest / 3600000),
        .minute = (uint8_t)(rest / 60000 % 60),
        .second = (uint8_t)(rest / 1000 % 60),
        .hundredth = (uint8_t)(rest / 10 % 100),
    };
}

void simulcrypt__write_abilities(struct simulcrypt_encoder *encoder,
                                 const struct simulcrypt_scs_abilities *abilities)
{
    simulcrypt_encode_number(encoder, SIMULCRYPT_EIS_P_SERVICE_FLAG, abilities->services);
    simulcrypt_encode_number(encoder, SIMULCRYPT_EIS_P_COMPONENT_FLAG, abilities->components);
    simulcrypt_encode_number(encoder, SIMULCRYPT_EIS_P_MAX_SCG, abilities->max_scg);
    if (abilities->has_cp_duration)
        simulcrypt_encode_number(encoder, SIMULCRYPT_EIS_P_CP_DURATION_FLAG, abilities->cp_duration);
}

void simulcrypt__read_abilities(const struct simulcrypt_message *message,
                                struct simulcrypt_scs_abilities *abilities)
{
    *abilities = (struct simulcrypt_scs_abilities){
        .services = simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_SERVICE_FLAG),
        .components = simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_COMPONENT_FLAG),
        .max_scg = simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_MAX_SCG),
        .has_cp_duration = simulcrypt_message_count(message, SIMULCRYPT_EIS_P_CP_DURATION_FLAG) > 0,
        .cp_duration = (uint8_t)simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_CP_DURATION_FLAG),
    };
}

static void write_ecm_group(struct simulcrypt_encoder *encoder, const struct simulcrypt_ecm_group *group)
{
    struct simulcrypt_encoder inner = simulcrypt_encode_compound_begin(encoder, SIMULCRYPT_EIS_P_ECM_GROUP);
    simulcrypt_encode_number(&inner, SIMULCRYPT_EIS_P_ECM_ID, group->ecm_id);
    simulcrypt_encode_number(&inner, SIMULCRYPT_EIS_P_SUPER_CAS_ID, group->super_cas_id);
    if (group->has_access_criteria)
        simulcrypt_encode_bytes(&inner, SIMULCRYPT_EIS_P_ACCESS_CRITERIA, group->access_criteria,
                                group->access_criteria_size);
    simulcrypt_encode_number(&inner, SIMULCRYPT_EIS_P_AC_CHANGED_FLAG, group->ac_changed);
    simulcrypt_encode_compound_end(encoder, &inner);
}

static void write_activation_time(struct simulcrypt_encoder *encoder, const struct simulcrypt_scg *scg)
{
    uint8_t bytes[SIMULCRYPT_TIME_SIZE];
    if (!scg->has_activation_time)
        return;
    simulcrypt_time_write(&scg->activation_time, bytes);
    simulcrypt_encode_bytes(encoder, SIMULCRYPT_EIS_P_ACTIVATION_TIME, bytes, sizeof(bytes));
}

void simulcrypt__write_scg(struct simulcrypt_encoder *encoder, const struct simulcrypt_scg *scg)
{
    simulcrypt_encode_number(encoder, SIMULCRYPT_EIS_P_TRANSPORT_STREAM_ID, scg->transport_stream_id);
    if (encoder->version >= 3)
        simulcrypt_encode_number(encoder, SIMULCRYPT_EIS_P_ORIGINAL_NETWORK_ID, scg->original_network_id);
    simulcrypt_encode_number(encoder, SIMULCRYPT_EIS_P_SCG_REFERENCE_ID, scg->reference_id);
    write_activation_time(encoder, scg);
    if (scg->recommended_cp_duration)
        simulcrypt_encode_number(encoder, SIMULCRYPT_EIS_P_RECOMMENDED_CP_DURATION,
                                 scg->recommended_cp_duration);
    for (unsigned i = 0; i < scg->service_count; i++)
        simulcrypt_encode_number(encoder, SIMULCRYPT_EIS_P_SERVICE_ID, scg->services[i]);
    for (unsigned i = 0; i < scg->component_count; i++)
        simulcrypt_encode_number(encoder, SIMULCRYPT_EIS_P_COMPONENT_ID, scg->components[i]);
    for (unsigned i = 0; i < scg->ecm_group_count; i++)
        write_ecm_group(encoder, &scg->ecm_groups[i]);
}

/* All instances of a number; false where they are too many. */
static bool read_numbers(const struct simulcrypt_message *message, uint16_t tag,
                         uint16_t numbers[SIMULCRYPT_SCG_CONTENT_MAX], uint16_t *count)
{
    struct simulcrypt_field field = simulcrypt_message_first(message, tag);
    for (; field.value; field = simulcrypt_message_next(message, tag, field)) {
        if (*count == SIMULCRYPT_SCG_CONTENT_MAX)
            return false;
        numbers[(*count)++] = (uint16_t)simulcrypt_field_number(field);
    }
    return true;
}

static struct simulcrypt_ecm_group read_ecm_group(const struct simulcrypt_message *inner)
{
    struct simulcrypt_field criteria = simulcrypt_message_first(inner, SIMULCRYPT_EIS_P_ACCESS_CRITERIA);
    return (struct simulcrypt_ecm_group){
        .super_cas_id = simulcrypt_message_number(inner, SIMULCRYPT_EIS_P_SUPER_CAS_ID),
        .ecm_id = simulcrypt_message_u16(inner, SIMULCRYPT_EIS_P_ECM_ID),
        .ac_changed = simulcrypt_message_u16(inner, SIMULCRYPT_EIS_P_AC_CHANGED_FLAG),
        .has_access_criteria = criteria.value != NULL,
        .access_criteria_size = criteria.size,
        .access_criteria = criteria.value,
    };
}

static bool read_ecm_groups(const struct simulcrypt_message *message, struct simulcrypt_scg *scg)
{
    struct simulcrypt_field field = simulcrypt_message_first(message, SIMULCRYPT_EIS_P_ECM_GROUP);
    for (; field.value; field = simulcrypt_message_next(message, SIMULCRYPT_EIS_P_ECM_GROUP, field)) {
        if (scg->ecm_group_count == SIMULCRYPT_SCG_ECM_GROUPS_MAX)
            return false;
        struct simulcrypt_message inner =
            simulcrypt_message_inner(message, SIMULCRYPT_EIS_P_ECM_GROUP, field);
        scg->ecm_groups[scg->ecm_group_count++] = read_ecm_group(&inner);
    }
    return true;
}

uint16_t simulcrypt__read_scg(const struct simulcrypt_message *message, struct simulcrypt_scg *scg,
                              int *information)
{
    struct simulcrypt_field time = simulcrypt_message_first(message, SIMULCRYPT_EIS_P_ACTIVATION_TIME);
    *scg = (struct simulcrypt_scg){
        .scg_id = simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_SCG_ID),
        .reference_id = simulcrypt_message_number(message, SIMULCRYPT_EIS_P_SCG_REFERENCE_ID),
        .transport_stream_id = simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_TRANSPORT_STREAM_ID),
        .original_network_id = simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_ORIGINAL_NETWORK_ID),
        .has_activation_time = time.value != NULL,
        .recommended_cp_duration = simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_RECOMMENDED_CP_DURATION),
    };
    *information = SIMULCRYPT_EIS_P_ACTIVATION_TIME;
    if (time.value && !simulcrypt_time_read(&scg->activation_time, time.value))
        return SIMULCRYPT_EIS_INVALID_VALUE;
    *information = SIMULCRYPT_EIS_P_SERVICE_ID;
    if (!read_numbers(message, SIMULCRYPT_EIS_P_SERVICE_ID, scg->services, &scg->service_count))
        return SIMULCRYPT_EIS_UNKNOWN_ERROR;
    *information = SIMULCRYPT_EIS_P_COMPONENT_ID;
    if (!read_numbers(message, SIMULCRYPT_EIS_P_COMPONENT_ID, scg->components, &scg->component_count))
        return SIMULCRYPT_EIS_UNKNOWN_ERROR;
    *information = SIMULCRYPT_EIS_P_ECM_GROUP;
    return read_ecm_groups(message, scg) ? SIMULCRYPT_EIS_OK : SIMULCRYPT_EIS_UNKNOWN_ERROR;
}

void simulcrypt__write_scg_status(struct simulcrypt_encoder *encoder,
                                  const struct simulcrypt_scg_status *status)
{
    simulcrypt_encode_number(encoder, SIMULCRYPT_EIS_P_SCG_CURRENT_REFERENCE_ID,
                             status->current_reference_id);
    if (status->pending)
        simulcrypt_encode_number(encoder, SIMULCRYPT_EIS_P_SCG_PENDING_REFERENCE_ID,
                                 status->pending_reference_id);
    simulcrypt_encode_number(encoder, SIMULCRYPT_EIS_P_ACTIVATION_PENDING_FLAG, status->pending);
    if (status->nominal_cp_duration)
        simulcrypt_encode_number(encoder, SIMULCRYPT_EIS_P_SCG_NOMINAL_CP_DURATION,
                                 status->nominal_cp_duration);
}

void simulcrypt__read_scg_status(const struct simulcrypt_message *message,
                                 struct simulcrypt_scg_status *status)
{
    *status = (struct simulcrypt_scg_status){
        .scg_id = simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_SCG_ID),
        .current_reference_id = simulcrypt_message_number(message, SIMULCRYPT_EIS_P_SCG_CURRENT_REFERENCE_ID),
        .pending = simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_ACTIVATION_PENDING_FLAG),
        .pending_reference_id = simulcrypt_message_number(message, SIMULCRYPT_EIS_P_SCG_PENDING_REFERENCE_ID),
        .nominal_cp_duration = simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_SCG_NOMINAL_CP_DURATION),
    };
}
