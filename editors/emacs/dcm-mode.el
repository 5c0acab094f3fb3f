;;; dcm-mode.el --- Causal graphs of dcmc -*- lexical-binding: t -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "27.1"))
;; Keywords: languages
;; SPDX-License-Identifier: MIT OR Apache-2.0

;;; Commentary:

;; Colours, comments and indentation for the model files of dcmc, and its language server for Eglot and lsp-mode.
;; `.scm' belongs to Scheme: a file is a causal graph if its first line is `dcm 1', or if its first statement is one of
;; the language and it lies in no `queries' folder, where tree-sitter keeps its own `.scm' files.

;;; Code:

(defgroup dcm nil "Causal graphs of dcmc." :group 'languages)

(defcustom dcm-program "dcmc" "The dcmc program." :type 'string)

(defconst dcm--name "\\(?:`[^`\n]+`\\|[[:alpha:]_][[:alnum:]_.]*'*\\)")

(defconst dcm--start "\\(?:^\\|;\\)[ \t]*")

(defvar dcm-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?\" "\"" table)
    (modify-syntax-entry ?` "$" table)
    (modify-syntax-entry ?_ "_" table)
    (modify-syntax-entry ?' "_" table)
    (dolist (symbol '(?- ?< ?> ?= ?~ ?| ?+ ?* ?/ ?%))
      (modify-syntax-entry symbol "." table))
    table))

(defconst dcm-font-lock-keywords
  `((,(concat dcm--start "\\(dcm\\)[ \t]+[0-9]") 1 font-lock-keyword-face)
    (,(concat dcm--start "\\(query\\|data\\)[ \t]+\\(" dcm--name "\\)[ \t]*[:=]")
     (1 font-lock-keyword-face) (2 font-lock-function-name-face))
    (,(concat dcm--start "\\(output\\|latent\\)[ \t]+" dcm--name) 1 font-lock-keyword-face)
    (,(concat dcm--start "\\(expect\\)[ \t]+[[:alnum:]_`(.-]") 1 font-lock-keyword-face)
    (,(concat dcm--start "\\(assert\\)[ \t]+\\(?:identifiable\\|independent\\)[ \t]*(") 1 font-lock-keyword-face)
    (,(concat dcm--start "\\(import\\)[ \t]*\"[^\"\n]*\"\\(?:[ \t]*\\(as\\)\\_>\\)?")
     (1 font-lock-keyword-face) (2 font-lock-keyword-face nil t))
    (,(concat dcm--start "\\(train\\)[ \t]*\\(?:{\\|" dcm--name "[ \t]*{\\)") 1 font-lock-keyword-face)
    (,(concat dcm--start "\\(truth\\)[ \t]*{") 1 font-lock-keyword-face)
    ("\\_<\\(do\\|simulate\\|table\\)[ \t]*(" 1 font-lock-keyword-face)
    ("\\_<\\(pretrained\\)[ \t]*[\"{]" 1 font-lock-keyword-face)
    ("=[^,()\n]*\\_<\\(vs\\)\\_>" 1 font-lock-keyword-face)
    ("\\_<\\(P\\|ATE\\|ETT\\|NDE\\|NIE\\|PN\\|PS\\|sample\\|identifiable\\|independent\\|tv\\|kl\\|abs\\)[ \t]*(" 1 font-lock-builtin-face)
    ("\\_<\\(E\\)[ \t]*\\[" 1 font-lock-builtin-face)
    (":[ \t]*\\(binary\\|real\\|int\\|categorical\\|vector\\|image\\)\\_>" 1 font-lock-type-face)
    ("\\_<\\(bernoulli\\|uniform_int\\|binomial\\|categorical\\|normal\\|uniform\\|exponential\\|min\\|max\\|floor\\|ceil\\|round\\|exp\\|log\\|sqrt\\|digit\\|classify\\)[ \t]*("
     1 font-lock-function-name-face)
    (dcm--truth-word 1 font-lock-keyword-face))
  "Colours of `dcm-mode'.")

(defun dcm--truth-word (limit)
  "The next `if', `then', … before LIMIT that is inside a truth block."
  (let (found)
    (while (and (not found)
                (re-search-forward "\\_<\\(if\\|then\\|else\\|and\\|or\\|xor\\|not\\)\\_>" limit t))
      (setq found (save-match-data
                    (save-excursion
                      (let ((outer (car (nth 9 (syntax-ppss)))))
                        (and outer (progn (goto-char outer) (looking-back "\\_<truth[ \t]*" (line-beginning-position)))))))))
    found))

(defun dcm-indent-line ()
  "Indent by two spaces for each bracket that is open before the line."
  (interactive)
  (let* ((depth (save-excursion (beginning-of-line) (nth 0 (syntax-ppss))))
         (closes (save-excursion (back-to-indentation) (looking-at "[])}]")))
         (column (* 2 (max 0 (if closes (1- depth) depth)))))
    (if (<= (current-column) (current-indentation))
        (indent-line-to column)
      (save-excursion (indent-line-to column)))))

;;;###autoload
(define-derived-mode dcm-mode prog-mode "Causal graph"
  "Mode for the model files of dcmc."
  (setq-local comment-start "# ")
  (setq-local comment-start-skip "#+[ \t]*")
  (setq-local indent-tabs-mode nil)
  (setq-local indent-line-function #'dcm-indent-line)
  (setq-local compile-command (concat dcm-program " check --message-format short " (shell-quote-argument (or buffer-file-name ""))))
  (setq-local font-lock-defaults '(dcm-font-lock-keywords)))

;;;###autoload
(defun dcm-model-p ()
  "Whether the buffer is a causal graph."
  (save-excursion
    (goto-char (point-min))
    (let ((case-fold-search nil))
      (while (looking-at "[ \t]*\\(?:#\\(?:[^|;!\n].*\\)?\\)?\n")
        (forward-line 1))
      (or (looking-at "\ufeff?[ \t]*dcm[ \t]+1\\(?:[^[:alnum:]_']\\|\\'\\)")
          (and (not (string-match-p "/queries/" (or buffer-file-name "")))
               (or (looking-at "[ \t]*\\(?:{[^{}]*}\\|[[:alpha:]_`][^][ \t\n()\"']*\\)[ \t]*\\(?:->\\|<->\\|<-\\|[→↔←]\\)[ \t]*[[:alpha:]_`{]")
                   (looking-at "[ \t]*[[:alpha:]_`][^ \t\n()\"]*[ \t]*:[ \t]*\\(?:binary\\|real\\|int\\[\\|categorical\\_>\\|vector\\[\\|image\\[\\)")
                   (looking-at "[ \t]*query[ \t]+[^ \t\n]+[ \t]*:[ \t]*\\(?:P[ \t]*(\\|E[ \t]*\\[\\|\\(?:ATE\\|ETT\\|NDE\\|NIE\\|PN\\|PS\\)[ \t]*(\\|sample[ \t]*(\\)")
                   (looking-at "[ \t]*data[ \t]+[^ \t\n]+[ \t]*=[ \t]*\\(?:\"\\|simulate[ \t]*(\\)")
                   (looking-at "[ \t]*truth[ \t]*{")))))))

;;;###autoload
(defun dcm--in-scm-file-p ()
  "Whether the buffer is a `.scm' file with a causal graph in it."
  (and buffer-file-name (string-match-p "\\.scm\\'" buffer-file-name) (dcm-model-p)))

;; Content goes before the extension.
;;;###autoload
(add-to-list 'magic-mode-alist '(dcm--in-scm-file-p . dcm-mode))

(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs `(dcm-mode . (,dcm-program "lsp"))))

(with-eval-after-load 'lsp-mode
  (add-to-list 'lsp-language-id-configuration '(dcm-mode . "dcm"))
  (lsp-register-client
   (make-lsp-client :new-connection (lsp-stdio-connection (lambda () (list dcm-program "lsp")))
                    :activation-fn (lsp-activate-on "dcm")
                    :server-id 'dcmc)))

(provide 'dcm-mode)
;;; dcm-mode.el ends here
