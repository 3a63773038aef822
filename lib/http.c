// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/http.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static struct http_head *head_of(llhttp_t *parser)
{
	return parser->data;
}

/* Ends the parse from within a callback; the first status that was found stays. */
static int refuse(struct http_head *head, int status)
{
	if (!head->refused)
		head->refused = status;
	return HPE_USER;
}

/* Called for each piece of the target, as the input was cut. */
static int on_url(llhttp_t *parser, const char *at, size_t length)
{
	struct http_head *head = head_of(parser);

	if (length > HTTP_TARGET_MAX - head->target_length)
		return refuse(head, 414);
	memcpy(head->target + head->target_length, at, length);
	head->target_length += length;
	head->target[head->target_length] = '\0';
	return 0;
}

/* A name that is too long to be one of ours is kept as one that is none. */
static int on_header_field(llhttp_t *parser, const char *at, size_t length)
{
	struct http_head *head = head_of(parser);
	size_t room = HTTP_NAME_MAX - head->name_length;

	/* Some versions of llhttp take a blank for a part of the name, which RFC 9112, 5.1, forbids. */
	if (memchr(at, ' ', length))
		return refuse(head, 400);
	if (length > room)
		length = room;
	memcpy(head->name + head->name_length, at, length);
	head->name_length += length;
	head->name[head->name_length] = '\0';
	return 0;
}

static bool name_is(const struct http_head *head, const char *name)
{
	return strcasecmp(head->name, name) == 0;
}

static void append_accept(struct http_head *head, const char *at, size_t length)
{
	size_t room = HTTP_ACCEPT_MAX - head->accept_length;

	if (length > room)
		length = room;
	memcpy(head->accept + head->accept_length, at, length);
	head->accept_length += length;
	head->accept[head->accept_length] = '\0';
}

/* What can be in no "host:port", and would mean something else to who reads it as a part of a URL. */
static bool is_host(const char *at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (at[i] <= ' ' || at[i] > '~' || strchr("/?#@\\\"<>", at[i]))
			return false;
	return true;
}

static void append_expect(struct http_head *head, const char *at, size_t length)
{
	size_t room = HTTP_EXPECT_MAX - head->expect_length;

	if (length > room)
		length = room;
	memcpy(head->expect + head->expect_length, at, length);
	head->expect_length += length;
	head->expect[head->expect_length] = '\0';
}

static int on_header_value(llhttp_t *parser, const char *at, size_t length)
{
	struct http_head *head = head_of(parser);

	if (name_is(head, "Accept"))
		append_accept(head, at, length);
	else if (name_is(head, "Expect"))
		append_expect(head, at, length);
	else if (name_is(head, "Host") && !is_host(at, length))
		return refuse(head, 400);
	return 0;
}

static int on_header_value_complete(llhttp_t *parser)
{
	struct http_head *head = head_of(parser);

	/* llhttp lets a name be empty; a name is a token, of one character at least. */
	if (head->name_length == 0)
		return refuse(head, 400);
	if (name_is(head, "Host"))
		head->hosts++;
	/* Several Accept headers are one list (RFC 9110, 5.3). */
	if (name_is(head, "Accept"))
		append_accept(head, ",", 1);
	head->name_length = 0;
	head->name[0] = '\0';
	return 0;
}

/* RFC 9112, 3.2: HTTP/1.1 needs exactly one Host. */
static bool hosts_are_right(const struct http_head *head)
{
	return head->hosts == 1 || (head->hosts == 0 && head->parser.http_minor == 0);
}

/*
 * RFC 9112, 6.1 and 6.3: a body whose end cannot be known, or that HTTP/1.0 has no words
 * for, is how one request is smuggled within another.
 */
static bool framing_is_right(const struct http_head *head)
{
	if (!(head->parser.flags & F_TRANSFER_ENCODING))
		return true;
	return (head->parser.flags & F_CHUNKED) && head->parser.http_minor >= 1;
}

static int on_headers_complete(llhttp_t *parser)
{
	struct http_head *head = head_of(parser);

	if (parser->http_major != 1)
		return refuse(head, 505);
	if (!hosts_are_right(head) || !framing_is_right(head))
		return refuse(head, 400);
	if (head->expect_length > 0 && strcasecmp(head->expect, "100-continue") != 0)
		return refuse(head, 417);
	head->done = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t SETTINGS = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_header_value_complete = on_header_value_complete,
	.on_headers_complete = on_headers_complete,
};

void http_head_init(struct http_head *head)
{
	/* The texts need no more than their ends: this runs for every request. */
	llhttp_init(&head->parser, HTTP_REQUEST, &SETTINGS);
	head->parser.data = head;
	head->bytes = head->target_length = head->name_length = head->accept_length = 0;
	head->expect_length = 0;
	head->target[0] = head->name[0] = head->accept[0] = head->expect[0] = '\0';
	head->refused = 0;
	head->hosts = 0;
	head->done = false;
}

int http_head_read(struct http_head *head, const char *data, size_t bytes, size_t *used)
{
	size_t room = HTTP_HEAD_MAX - head->bytes;
	size_t length = bytes < room ? bytes : room;
	llhttp_errno_t err;

	/* llhttp itself has no bound: it is given no more than a head may have. */
	assert(!head->done && !head->refused);
	err = llhttp_execute(&head->parser, data, length);
	if (err == HPE_PAUSED && head->done) {
		*used = (size_t)(llhttp_get_error_pos(&head->parser) - data);
		head->bytes += *used;
		return 0;
	}
	/* Not complete, or wrong: what follows is never looked at then. */
	*used = length;
	head->bytes += length;
	if (err == HPE_INVALID_VERSION)
		refuse(head, 505);
	else if (err != HPE_OK)
		refuse(head, 400);
	else if (head->bytes == HTTP_HEAD_MAX)
		refuse(head, 431);
	return head->refused ? -EBADMSG : -EAGAIN;
}

enum http_method http_head_method(const struct http_head *head)
{
	switch (head->parser.method) {
	case HTTP_GET: return HTTP_METHOD_GET;
	case HTTP_HEAD: return HTTP_METHOD_HEAD;
	case HTTP_OPTIONS: return HTTP_METHOD_OPTIONS;
	default: return HTTP_METHOD_OTHER;
	}
}

bool http_head_is_1_1(const struct http_head *head)
{
	return head->parser.http_minor >= 1;
}

/* Either framing announces a body; both at once are refused by llhttp (smuggling). */
bool http_head_has_body(const struct http_head *head)
{
	return (head->parser.flags & F_CHUNKED) ||
	       ((head->parser.flags & F_CONTENT_LENGTH) &&
		head->parser.content_length > 0);
}

bool http_head_keeps_alive(const struct http_head *head)
{
	return !head->parser.upgrade && !http_head_has_body(head) &&
	       llhttp_should_keep_alive(&head->parser);
}

const char *http_head_path(const struct http_head *head, size_t *length)
{
	const char *path = head->target;
	const char *scheme_end = strstr(head->target, "://");

	/* RFC 9112, 3.2.2: a server must take "GET http://host/path" too. */
	if (path[0] != '/' && scheme_end)
		path = scheme_end + 3 + strcspn(scheme_end + 3, "/?#");
	*length = path[0] == '/' ? strcspn(path, "?#") : 0;
	return path;
}

/* Whether the parameters of an element of Accept say that it is not wanted: "q=0", "q=0.0". */
static bool is_unwanted(const char *parameters)
{
	const char *at = parameters;

	while (*at && *at != ',') {
		at += strspn(at, "; \t");
		if (strncasecmp(at, "q=", 2) == 0) {
			size_t zeros = strspn(at + 2, "0.");

			return zeros > 0 && strchr(",; \t", at[2 + zeros]);
		}
		at += strcspn(at, ";,");
	}
	return false;
}

bool http_head_accepts(const struct http_head *head, const char *type)
{
	size_t length = strlen(type);
	const char *item = head->accept;

	while (*item) {
		item += strspn(item, ", \t");
		if (strncasecmp(item, type, length) == 0 && strchr(",; \t", item[length]))
			return !is_unwanted(item + length);
		item += strcspn(item, ",");
	}
	return false;
}

const char *http_reason(int status)
{
	switch (status) {
	case 200: return "OK";
	case 400: return "Bad Request";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 408: return "Request Timeout";
	case 414: return "URI Too Long";
	case 417: return "Expectation Failed";
	case 431: return "Request Header Fields Too Large";
	case 503: return "Service Unavailable";
	case 505: return "HTTP Version Not Supported";
	default: return "Error";
	}
}

/* RFC 9110, 5.6.7; strftime() would use the names of the locale. */
static void format_date(time_t date, char text[40])
{
	static const char DAYS[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char MONTHS[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm;

	gmtime_r(&date, &tm);
	snprintf(text, 40, "%s, %02d %s %04d %02d:%02d:%02d GMT", DAYS[tm.tm_wday],
		 tm.tm_mday, MONTHS[tm.tm_mon], (tm.tm_year + 1900) % 10000, tm.tm_hour,
		 tm.tm_min, tm.tm_sec);
}

/* HTTP/1.1 stays open unless told, HTTP/1.0 closes unless told (RFC 9112, 9.3). */
static const char *connection_line(const struct http_reply *reply)
{
	if (!reply->keep_alive)
		return "Connection: close\r\n";
	return reply->old_client ? "Connection: keep-alive\r\n" : "";
}

size_t http_reply_head(const struct http_reply *reply, char text[HTTP_REPLY_MAX])
{
	char framing[48] = "";
	char date[40];
	int length;

	format_date(reply->date, date);
	if (!reply->unbounded)
		snprintf(framing, sizeof(framing), "Content-Length: %zu\r\n",
			 reply->length);
	else if (reply->chunked)
		snprintf(framing, sizeof(framing), "Transfer-Encoding: chunked\r\n");
	length = snprintf(text, HTTP_REPLY_MAX,
			  "HTTP/1.1 %d %s\r\nDate: %s\r\n%s%s%s%s%s%s\r\n", reply->status,
			  http_reason(reply->status), date,
			  reply->content_type ? "Content-Type: " : "",
			  reply->content_type ? reply->content_type : "",
			  reply->content_type ? "\r\n" : "", framing,
			  connection_line(reply), reply->extra ? reply->extra : "");
	assert(length > 0 && length < HTTP_REPLY_MAX);
	return (size_t)length;
}
