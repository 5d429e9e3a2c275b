;;; claude-ls.el --- claude-ls in Emacs, through eglot  -*- lexical-binding: t; -*-

;;; Commentary:

;; eglot does not know claude-ls, asks before every edit of a server, and has no input box.  This makes up for it.
;; In the init file:
;;
;;     (add-to-list 'load-path "…/editor-clients/configs/emacs")
;;     (require 'claude-ls)
;;     (add-hook 'python-mode-hook #'eglot-ensure)
;;
;; `M-x eglot-code-actions' then shows what Claude can do at point or with the region; `M-x claude-ls-…' are commands of
;; their own.  eglot runs one server for a buffer: in the modes of `claude-ls-modes' that is claude-ls, and no longer the
;; one that eglot had for them.
;;
;; Without this file, two lines are enough for everything but words from the minibuffer, tidy undo steps and a window for
;; explanations:
;;
;;     (add-to-list 'eglot-server-programs '(python-mode . ("claude-ls")))
;;     (setq eglot-confirm-server-initiated-edits nil)
;;
;; Both are tested with Emacs 28.2 and eglot 1.9, in tests/editors/test_emacs.py.

;;; Code:

(require 'cl-lib)
(require 'eglot)
(require 'jsonrpc)
(require 'subr-x)

(defgroup claude-ls nil
  "Claude in Emacs, through eglot."
  :group 'eglot)

(defcustom claude-ls-command '("claude-ls")
  "How claude-ls is started.  It is read when this file is loaded."
  :type '(repeat string))

(defcustom claude-ls-modes '(python-mode python-ts-mode)
  "The major modes in which eglot starts claude-ls.  They are read when this file is loaded."
  :type '(repeat symbol))

;; With a class of its own, what follows holds for claude-ls and for no other server.
(defclass claude-ls-server (eglot-lsp-server) ()
  :documentation "A connection of eglot to claude-ls.")

(dolist (mode claude-ls-modes)
  (add-to-list 'eglot-server-programs
               `(,mode . (claude-ls-server
                          ,@claude-ls-command :initializationOptions (:claude (:prompts t :applyEdit t))))))

;;; Edits

(defvar-local claude-ls--after nil
  "The undo list as the last edit of Claude's left it.  Where it is another one now, somebody typed in between.")

(cl-defmethod eglot-handle-request
  ((_server claude-ls-server) (_method (eql 'claude/applyEdit)) &key edit undoStopBefore &allow-other-keys)
  "Make EDIT, without a question; it is one undo step with the last one unless UNDOSTOPBEFORE.
Emacs by itself would put it into one step with the last keys that were typed."
  (let* ((uri (plist-get (plist-get (elt (plist-get edit :documentChanges) 0) :textDocument) :uri))
         (buffer (find-file-noselect (eglot--uri-to-path uri)))
         (eglot-confirm-server-initiated-edits nil)
         (inhibit-message t)) ; or each edit would wipe what the echo area shows
    (with-current-buffer buffer
      (undo-auto--boundaries 'claude-ls)
      (when (and (not (eq undoStopBefore t)) (consp buffer-undo-list) (eq buffer-undo-list claude-ls--after))
        (pop buffer-undo-list)))
    (eglot--apply-workspace-edit edit nil)
    (with-current-buffer buffer
      (undo-auto--boundaries 'claude-ls)
      (setq claude-ls--after buffer-undo-list))
    '(:applied t)))

;;; Explanations

(cl-defmethod eglot-client-capabilities :around ((_server claude-ls-server))
  "Say that files can be shown, which eglot 1.9 cannot."
  (let* ((capabilities (cl-call-next-method))
         (window (copy-sequence (plist-get capabilities :window))))
    (plist-put capabilities :window (plist-put window :showDocument '(:support t)))))

(cl-defmethod eglot-handle-request
  ((_server claude-ls-server) (_method (eql 'window/showDocument)) &key uri &allow-other-keys)
  "Show the file URI beside the code."
  (let ((buffer (find-file-noselect (eglot--uri-to-path uri))))
    (with-current-buffer buffer (view-mode 1))
    `(:success ,(if (display-buffer buffer) t :json-false))))

;;; Commands

(defun claude-ls--execute (server command argument)
  "Have SERVER run COMMAND with one ARGUMENT, a property list."
  (jsonrpc-request server :workspace/executeCommand `(:command ,command :arguments [,argument])))

(defun claude-ls--prompt-edit (server target)
  "Ask what Claude shall do with TARGET, the argument of `claude.promptEdit', and have SERVER do it."
  (let ((instruction (read-string "What shall Claude do? ")))
    (unless (string-blank-p instruction)
      (claude-ls--execute server "claude.edit" (append target `(:instruction ,instruction))))))

(if (fboundp 'eglot-execute)
    (cl-defmethod eglot-execute :around ((server claude-ls-server) action)
      "Ask for words where ACTION needs some; newer versions of eglot come here, with a command or a code action."
      (let* ((inner (plist-get action :command))
             (command (if (stringp inner) action inner)))
        (if (equal (plist-get command :command) "claude.promptEdit")
            (claude-ls--prompt-edit server (elt (plist-get command :arguments) 0))
          (cl-call-next-method))))
  (cl-defmethod eglot-execute-command ((server claude-ls-server) (_command (eql 'claude.promptEdit)) arguments)
    "Ask for words; eglot 1.9 comes here, with the ARGUMENTS of the command."
    (claude-ls--prompt-edit server (elt arguments 0))))

(defun claude-ls--server ()
  "The connection of this buffer, which then knows its newest text."
  (let ((server (eglot-current-server)))
    (unless (cl-typep server 'claude-ls-server)
      (user-error "There is no claude-ls for this buffer: try M-x eglot"))
    (eglot--signal-textDocument/didChange)
    server))

(defun claude-ls--target ()
  "The region, or point, as LSP has it."
  (list :uri (plist-get (eglot--TextDocumentIdentifier) :uri)
        :range (list :start (eglot--pos-to-lsp-position (if (use-region-p) (region-beginning) (point)))
                     :end (eglot--pos-to-lsp-position (if (use-region-p) (region-end) (point))))))

(defun claude-ls-edit ()
  "Ask what Claude shall do with the region, or with what stands at point."
  (interactive)
  (claude-ls--prompt-edit (claude-ls--server) (claude-ls--target)))

(defun claude-ls-explain ()
  "Have Claude explain the region, or what stands at point."
  (interactive)
  (claude-ls--execute (claude-ls--server) "claude.explain" (claude-ls--target)))

(defun claude-ls-cancel ()
  "Stop whatever Claude is doing."
  (interactive)
  (claude-ls--execute (claude-ls--server) "claude.cancel" eglot--{}))

(defun claude-ls-undo ()
  "Take back what Claude changed last, and keep what was typed since."
  (interactive)
  (claude-ls--execute (claude-ls--server) "claude.undo" eglot--{}))

(provide 'claude-ls)
;;; claude-ls.el ends here
