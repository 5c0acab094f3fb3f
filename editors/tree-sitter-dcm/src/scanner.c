// Whether a newline ends a statement: not before an arrow, an operator, a comma, `then` or `else`. (Where it cannot end
// one, inside brackets and behind operators, the parser does not ask.)

#include "tree_sitter/parser.h"

enum Token { NEWLINE, ROW_END };

void *tree_sitter_dcm_external_scanner_create(void) { return NULL; }
void tree_sitter_dcm_external_scanner_destroy(void *payload) { (void)payload; }
unsigned tree_sitter_dcm_external_scanner_serialize(void *payload, char *buffer) {
  (void)payload;
  (void)buffer;
  return 0;
}
void tree_sitter_dcm_external_scanner_deserialize(void *payload, const char *buffer, unsigned length) {
  (void)payload;
  (void)buffer;
  (void)length;
}

static bool is_space(int32_t c) { return c == ' ' || c == '\t' || c == 0xFEFF || c == 0xA0; }
static bool is_newline(int32_t c) { return c == '\n' || c == '\r'; }
static bool is_word(int32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '\'' || c > 127;
}

// Skips blank lines and comments.
static void skip_to_text(TSLexer *lexer) {
  for (;;) {
    if (is_space(lexer->lookahead) || is_newline(lexer->lookahead)) {
      lexer->advance(lexer, false);
    } else if (lexer->lookahead == '#') {
      while (!lexer->eof(lexer) && !is_newline(lexer->lookahead)) lexer->advance(lexer, false);
    } else {
      return;
    }
  }
}

// Whether the text goes on with something that a statement cannot begin with.
static bool goes_on(TSLexer *lexer) {
  switch (lexer->lookahead) {
    case '-': // `->`, `-`
    case '<':
    case '>':
    case '=':
    case '!':
    case ',':
    case ':':
    case '+':
    case '*':
    case '/':
    case '%':
    case 0x2192: // →
    case 0x2190: // ←
    case 0x2194: // ↔
      return true;
    default:
      break;
  }
  static const char *const words[] = {"and", "or", "xor", "then", "else"};
  char word[5] = {0};
  unsigned length = 0;
  while (length < 5 && is_word(lexer->lookahead)) {
    if (lexer->lookahead > 127) return false;
    word[length++] = (char)lexer->lookahead;
    lexer->advance(lexer, false);
  }
  if (is_word(lexer->lookahead)) return false;
  for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    unsigned at = 0;
    while (words[i][at] && at < length && words[i][at] == word[at]) at++;
    if (at == length && !words[i][at]) return true;
  }
  return false;
}

bool tree_sitter_dcm_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid) {
  (void)payload;
  if (!valid[NEWLINE] && !valid[ROW_END]) return false;
  while (is_space(lexer->lookahead)) lexer->advance(lexer, true);
  if (!is_newline(lexer->lookahead)) return false;
  lexer->advance(lexer, false);
  lexer->mark_end(lexer);
  if (valid[ROW_END] && !valid[NEWLINE]) {
    lexer->result_symbol = ROW_END;
    return true;
  }
  skip_to_text(lexer);
  if (goes_on(lexer)) return false;
  lexer->result_symbol = NEWLINE;
  return true;
}
