/* Dates: the Gregorian calendar, in universal time only. */

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY 86400L

static const char days[] = "Sunday\0   Monday\0   Tuesday\0  Wednesday\0Thursday\0 Friday\0   "
                           "Saturday";
static const char months[] = "January\0  February\0 March\0    April\0    May\0      June\0     "
                             "July\0     August\0   September\0October\0  November\0 December";
#define NAME_BYTES 10

/* Days from 1970-01-01 to the first of March of `year`: the leap day is a year's last. */
static long days_to_march(long year)
{
    return 365 * (year - 1970) + (year - 1968) / 4 - (year - 1900) / 100 + (year - 1600) / 400 + 59;
}

/* Days from the first of March to the first of a month; 0 is March. */
static int days_to_month(int month)
{
    return (153 * month + 2) / 5;
}

static long floor_divide(long a, long b)
{
    return a / b - (a % b < 0);
}

static int is_leap(long year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

struct tm *gmtime(const time_t *time)
{
    static struct tm result;
    long day = floor_divide(*time, DAY), second = *time - day * DAY;
    /* Whole cycles of 400 years are put aside: the divisions of days_to_march() are of positive
       numbers then. */
    long cycle = floor_divide(day - days_to_march(2000), 146097);
    long rest = day - cycle * 146097, year = 2000 + (rest - days_to_march(2000)) / 366;
    while (days_to_march(year + 1) <= rest)
        year++;
    int in_year = (int)(rest - days_to_march(year)), month = (5 * in_year + 2) / 153;
    result = (struct tm){.tm_sec = (int)(second % 60), .tm_min = (int)(second / 60 % 60),
                         .tm_hour = (int)(second / 3600)};
    result.tm_mday = in_year - days_to_month(month) + 1;
    result.tm_mon = (month + 2) % 12;
    year += 400 * cycle + (month >= 10);
    result.tm_year = (int)(year - 1900);
    result.tm_wday = (int)(day + 4 - 7 * floor_divide(day + 4, 7));
    result.tm_yday = month >= 10 ? in_year - 306 : in_year + 59 + is_leap(year);
    return &result;
}

struct tm *localtime(const time_t *time)
{
    return gmtime(time);
}

struct tm *gmtime_r(const time_t *time, struct tm *result)
{
    *result = *gmtime(time);
    return result;
}

struct tm *localtime_r(const time_t *time, struct tm *result)
{
    return gmtime_r(time, result);
}

time_t timegm(struct tm *date)
{
    return mktime(date);
}

time_t mktime(struct tm *date)
{
    long years = floor_divide(date->tm_mon - 2L, 12);
    int month = (int)(date->tm_mon - 2 - 12 * years);
    long year = date->tm_year + 1900L + years, cycle = floor_divide(year - 2000, 400);
    long day = days_to_march(year - 400 * cycle) + 146097 * cycle + days_to_month(month);
    time_t time = (day + date->tm_mday - 1) * DAY + date->tm_hour * 3600L + date->tm_min * 60L +
                  date->tm_sec;
    *date = *gmtime(&time);
    return time;
}

char *asctime_r(const struct tm *date, char *text)
{
    sprintf(text, "%.3s %.3s%3d %.2d:%.2d:%.2d %d\n",
             days + NAME_BYTES * date->tm_wday, months + NAME_BYTES * date->tm_mon, date->tm_mday,
             date->tm_hour, date->tm_min, date->tm_sec, 1900 + date->tm_year);
    return text;
}

char *asctime(const struct tm *date)
{
    static char text[40];
    return asctime_r(date, text);
}

char *ctime_r(const time_t *time, char *text)
{
    struct tm date;
    return asctime_r(gmtime_r(time, &date), text);
}

char *ctime(const time_t *time)
{
    return asctime(gmtime(time));
}

/* Local time is universal time. */
void tzset(void)
{
}

static int week_of_year(const struct tm *date, int first_day)
{
    return (date->tm_yday + 7 - (date->tm_wday + 7 - first_day) % 7) / 7;
}

/* ISO 8601: the week belongs to the year of its Thursday. */
static int iso_week(const struct tm *date, int *year)
{
    int thursday = date->tm_yday + 3 - (date->tm_wday + 6) % 7;
    *year = date->tm_year + 1900;
    if (thursday < 0)
        thursday += 365 + is_leap(--*year);
    else if (thursday >= 365 + is_leap(*year))
        thursday -= 365 + is_leap((*year)++);
    return thursday / 7 + 1;
}

/* Those conversions that stand for several others. */
static const char *expansion(char conversion)
{
    switch (conversion) {
    case 'c':
        return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x':
        return "%m/%d/%y";
    case 'F':
        return "%Y-%m-%d";
    case 'R':
        return "%H:%M";
    case 'r':
        return "%I:%M:%S %p";
    case 'T':
    case 'X':
        return "%H:%M:%S";
    default:
        return NULL;
    }
}

static int convert(char *out, size_t size, char conversion, const struct tm *date)
{
    const char *day = days + NAME_BYTES * date->tm_wday;
    const char *month = months + NAME_BYTES * date->tm_mon;
    int year = date->tm_year + 1900, iso_year, week = iso_week(date, &iso_year);
    switch (conversion) {
    case 'A': return snprintf(out, size, "%s", day);
    case 'a': return snprintf(out, size, "%.3s", day);
    case 'B': return snprintf(out, size, "%s", month);
    case 'b':
    case 'h': return snprintf(out, size, "%.3s", month);
    case 'C': return snprintf(out, size, "%02d", year / 100);
    case 'd': return snprintf(out, size, "%02d", date->tm_mday);
    case 'e': return snprintf(out, size, "%2d", date->tm_mday);
    case 'G': return snprintf(out, size, "%d", iso_year);
    case 'g': return snprintf(out, size, "%02d", iso_year % 100);
    case 'H': return snprintf(out, size, "%02d", date->tm_hour);
    case 'I': return snprintf(out, size, "%02d", (date->tm_hour + 11) % 12 + 1);
    case 'j': return snprintf(out, size, "%03d", date->tm_yday + 1);
    case 'M': return snprintf(out, size, "%02d", date->tm_min);
    case 'm': return snprintf(out, size, "%02d", date->tm_mon + 1);
    case 'n': return snprintf(out, size, "\n");
    case 'p': return snprintf(out, size, date->tm_hour < 12 ? "AM" : "PM");
    case 'S': return snprintf(out, size, "%02d", date->tm_sec);
    case 't': return snprintf(out, size, "\t");
    case 'U': return snprintf(out, size, "%02d", week_of_year(date, 0));
    case 'u': return snprintf(out, size, "%d", (date->tm_wday + 6) % 7 + 1);
    case 'V': return snprintf(out, size, "%02d", week);
    case 'W': return snprintf(out, size, "%02d", week_of_year(date, 1));
    case 'w': return snprintf(out, size, "%d", date->tm_wday);
    case 'Y': return snprintf(out, size, "%d", year);
    case 'y': return snprintf(out, size, "%02d", year % 100);
    case 'Z': return snprintf(out, size, "GMT");
    case 'z': return snprintf(out, size, "+0000");
    default: return snprintf(out, size, "%c", conversion);
    }
}

size_t strftime(char *out, size_t size, const char *format, const struct tm *date)
{
    size_t used = 0;
    for (; *format; format++) {
        if (*format != '%') {
            if (used + 1 < size)
                out[used] = *format;
            used++;
            continue;
        }
        format++;
        if (*format == 'E' || *format == 'O')
            format++;
        if (!*format)
            break;
        const char *longer = expansion(*format);
        size_t room = used < size ? size - used : 0;
        size_t length = longer ? strftime(out + used, room, longer, date)
                               : (size_t)convert(out + used, room, *format, date);
        if (length >= room || (longer && !length))
            return 0;
        used += length;
    }
    if (used >= size)
        return 0;
    out[used] = 0;
    return used;
}
