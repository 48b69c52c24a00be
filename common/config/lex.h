/* The configuration's text as tokens (mailroot.conf(5), "Grammar"). */
#ifndef COMMON_CONFIG_LEX_H
#define COMMON_CONFIG_LEX_H

#include "common/config/report.h"

enum { CONFIG_TOKENS_MAX = 100000 }; /* of a file and all files that it includes */

enum config_token_kind { TOKEN_WORD, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_LINE_END, TOKEN_END };

struct config_token {
	enum config_token_kind kind;
	struct span text; /* of a word, with quotes and escapes resolved; points into the source or the arena */
	struct config_at at;
};

struct config_lexer {
	struct config_source *source;
	struct arena *arena;
	struct config_findings *findings;
	uint32_t *token; /* the number of the last token, over all files */
	size_t offset;
	uint32_t line;
	bool begun;     /* this line already had a token */
	bool canonical; /* "#line N" and "#line N "FILE"" set the origin of the next line */
};

/*
 * The next token. Errors are reported, and the text is read as far as possible. After CONFIG_TOKENS_MAX tokens the text
 * ends. Before the first call offset is 0 and line is 1.
 */
void config_lex(struct config_lexer *lexer, struct config_token *out);

#endif
